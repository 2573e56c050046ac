// swift-tools-version: 6.2
import PackageDescription

// The readers of untrusted bytes under libFuzzer: the sources of the product through links, compiled with coverage (`run` adds
// AddressSanitizer). The kernels come uninstrumented and with the flags that the product's manifest gives them.

#if arch(arm64)
  let kernelFlags: [String: [String]] = [
    "KernelsNEON": [],
    "KernelsNEONDotProd": ["-Xcc", "-march=armv8.2-a+dotprod", "-D", "NEON_DOTPROD"],
  ]
#else
  let kernelFlags: [String: [String]] = [
    "KernelsBaseline": [],
    "KernelsAVX2": ["-Xcc", "-march=x86-64-v3", "-D", "AVX2"],
    "KernelsAVXVNNI": ["-Xcc", "-march=x86-64-v3", "-Xcc", "-mavxvnni", "-D", "AVX_VNNI"],
    "KernelsAVX512VNNI": [
      "-Xcc", "-march=x86-64-v4", "-Xcc", "-mavx512vnni", "-Xcc", "-mprefer-vector-width=512", "-D", "AVX512_VNNI",
    ],
  ]
#endif
let kernels = kernelFlags.keys.sorted()

let modules: [(name: String, imports: [Target.Dependency])] = [
  ("Storage", ["CSystem"]),
  ("JSON", ["Storage"]),
  ("Tokenizers", ["Storage"]),
  ("TokenizerImport", ["JSON", "Storage", "Tokenizers"]),
  ("Tasks", ["JSON", "Storage"]),
  ("Records", ["JSON", "Storage", "Tasks"]),
  ("Decompression", ["CLZ4", "CZlib", "Records", "Storage"]),
  ("Checkpoints", ["JSON", "Storage"]),
  ("Bundles", ["CLZ4", "Storage", "WeightFormats"]),
  ("Encoders", ["JSON", "Storage", "Tasks"]),
  ("Kernels", ["CVector", "Storage"] + kernels.map { .init(stringLiteral: $0) }),
  ("WeightFormats", ["CVector", "Kernels", "Storage"]),
  ("Inference", ["CVector", "Encoders", "Kernels", "Storage", "WeightFormats"]),
  ("ModelBundles", ["Bundles", "Encoders", "Inference", "JSON", "Storage", "Tokenizers", "WeightFormats"]),
  ("Sessions", ["Bundles", "Encoders", "Inference", "Kernels", "ModelBundles", "Storage", "Tasks", "Tokenizers"]),
  ("Martlet", ["Bundles", "Encoders", "JSON", "Kernels", "ModelBundles", "Sessions", "Storage", "Tasks", "Tokenizers"]),
]
#if arch(arm64)
  let architecture = "aarch64"
#else
  let architecture = "x86_64"
#endif
let coverage: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer"])]

let package = Package(
  name: "martlet-fuzz",
  products: [.executable(name: "fuzz-reader", targets: ["Fuzzer"])],
  targets: [
    .target(name: "CVector"),
    .target(name: "CSystem"),
    .target(name: "CFuzzer"),
    .systemLibrary(name: "CLZ4"),
    .systemLibrary(name: "CZlib"),
    .target(
      name: "FuzzHarness",
      dependencies: ["Bundles", "Checkpoints", "Decompression", "Encoders", "JSON", "Martlet", "Records", "Storage", "TokenizerImport", "Tokenizers"],
      swiftSettings: coverage),
    .executableTarget(
      name: "Fuzzer", dependencies: ["CFuzzer", "FuzzHarness"],
      linkerSettings: [
        .unsafeFlags(
          ["liblz4.a", "libz.a", "libclang_rt.fuzzer_no_main-\(architecture).a"].flatMap { ["-Xlinker", "-l:" + $0] } + ["-lstdc++"])
      ]),
  ]
    + modules.map { .target(name: $0.name, dependencies: $0.imports, exclude: ["README.md"], swiftSettings: coverage) }
    + kernels.map {
      .target(name: $0, dependencies: ["CVector"], swiftSettings: [.unsafeFlags(["-O", "-wmo"] + kernelFlags[$0]!)])
    }
)
