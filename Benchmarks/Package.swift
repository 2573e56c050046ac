// swift-tools-version: 6.2
import PackageDescription

// The kernels, training's products and the tokenizers by themselves: the sources of the product through links, because what is measured is not public, with
// the flags that the product's manifest gives them.

let kernelFlags: [String: [String]] = [
  "KernelsBaseline": [],
  "KernelsAVX2": ["-Xcc", "-march=x86-64-v3", "-D", "AVX2"],
  "KernelsAVXVNNI": ["-Xcc", "-march=x86-64-v3", "-Xcc", "-mavxvnni", "-D", "AVX_VNNI"],
  "KernelsAVX512VNNI": [
    "-Xcc", "-march=x86-64-v4", "-Xcc", "-mavx512vnni", "-Xcc", "-mprefer-vector-width=512", "-D", "AVX512_VNNI",
  ],
]
let kernels = kernelFlags.keys.sorted()

let package = Package(
  name: "martlet-benchmarks",
  targets: [
    .target(name: "CVector"),
    .target(name: "CSystem"),
    .target(name: "CPeak"),
    .target(name: "Storage", dependencies: ["CSystem"], exclude: ["README.md"]),
    .target(
      name: "Kernels", dependencies: ["CVector"] + kernels.map { .init(stringLiteral: $0) }, exclude: ["README.md"]),
    .target(name: "WeightFormats", dependencies: ["CVector", "Kernels", "Storage"], exclude: ["README.md"]),
    .target(name: "Measuring", dependencies: ["Storage"]),
    .executableTarget(name: "KernelLadder", dependencies: ["CPeak", "Kernels", "Measuring", "Storage", "WeightFormats"]),
    .target(name: "LinearAlgebra", dependencies: ["Storage"], exclude: ["README.md"]),
    .executableTarget(name: "ProductLadder", dependencies: ["LinearAlgebra", "Measuring", "Storage"]),
    .target(name: "JSON", dependencies: ["Storage"], exclude: ["README.md"]),
    .target(name: "Tokenizers", dependencies: ["Storage"], exclude: ["README.md"]),
    .target(name: "TokenizerImport", dependencies: ["JSON", "Storage", "Tokenizers"], exclude: ["README.md"]),
    .executableTarget(name: "TokenizerLadder", dependencies: ["JSON", "Storage", "TokenizerImport", "Tokenizers"]),
  ]
    + kernels.map {
      .target(name: $0, dependencies: ["CVector"], swiftSettings: [.unsafeFlags(["-O", "-wmo"] + kernelFlags[$0]!)])
    }
)
