// swift-tools-version: 6.2
import PackageDescription

// `#if arch()` in a manifest tells the host; a cross build says its target in the environment.
#if arch(arm64)
let hostIsARM64 = true
#else
let hostIsARM64 = false
#endif
let targetsARM64 = Context.environment["TARGET_ARCH"].map { $0 == "arm64" } ?? hostIsARM64

// MARK: Kernels, one source folder compiled once per instruction set

/// The flags of each instruction set's kernel module. Swift takes its target features from the clang importer.
let kernelFlags: [String: [String]] =
  targetsARM64
  ? [
    "KernelsNEON": [],
    "KernelsNEONDotProd": ["-Xcc", "-march=armv8.2-a+dotprod", "-D", "NEON_DOTPROD"],
  ]
  : [
    "KernelsBaseline": [],
    "KernelsAVX2": ["-Xcc", "-march=x86-64-v3", "-D", "AVX2"],
    "KernelsAVXVNNI": ["-Xcc", "-march=x86-64-v3", "-Xcc", "-mavxvnni", "-D", "AVX_VNNI"],
    "KernelsAVX512VNNI": [
      "-Xcc", "-march=x86-64-v4", "-Xcc", "-mavx512vnni", "-Xcc", "-mprefer-vector-width=512", "-D", "AVX512_VNNI",
    ],
  ]

// MARK: Modules: name, what it may import (the arrows of the house, checked when building)

let modules: [(name: String, imports: [Target.Dependency])] = [
  ("Storage", ["CSystem"]),
  ("JSON", ["Storage"]),
  ("Tokenizers", ["Storage"]),
  ("TokenizerImport", ["JSON", "Storage", "Tokenizers"]),
  ("Tasks", ["JSON", "Storage"]),
  ("Records", ["JSON", "Storage", "Tasks"]),
  ("Decompression", ["CLZ4", "CZlib", "Records", "Storage"]),
  ("Reporting", ["Storage", "Tasks"]),
  ("Checkpoints", ["JSON", "Storage"]),
  ("Bundles", ["CLZ4", "Storage", "WeightFormats"]),
  ("Encoders", ["JSON", "Storage", "Tasks"]),
  ("Kernels", ["CVector", "Storage"] + kernelFlags.keys.sorted().map { .init(stringLiteral: $0) }),
  ("LinearAlgebra", ["Storage"]),
  ("WeightFormats", ["CVector", "Kernels", "Storage"]),
  ("Inference", ["CVector", "Encoders", "Kernels", "Storage", "WeightFormats"]),
  ("Training", ["Checkpoints", "Encoders", "Inference", "JSON", "Kernels", "LinearAlgebra", "Storage", "Tasks", "WeightFormats"]),
  ("ModelBundles", ["Bundles", "Encoders", "Inference", "JSON", "Storage", "Tokenizers", "WeightFormats"]),
  ("ModelFolders", ["Bundles", "Checkpoints", "Encoders", "JSON", "ModelBundles", "Storage", "TokenizerImport", "Tokenizers", "WeightFormats"]),
  ("Sessions", ["Bundles", "Encoders", "Inference", "Kernels", "ModelBundles", "Storage", "Tasks", "Tokenizers"]),
  (
    "Packing",
    [
      "Bundles", "Checkpoints", "Encoders", "JSON", "ModelBundles", "ModelFolders", "Records", "Sessions", "Storage", "Tasks", "Tokenizers",
      "WeightFormats",
    ]
  ),
  ("Martlet", ["Bundles", "Encoders", "JSON", "Kernels", "ModelBundles", "Sessions", "Storage", "Tasks", "Tokenizers"]),
  (
    "MartletTuning",
    [
      "Checkpoints", "Encoders", "JSON", "Kernels", "LinearAlgebra", "ModelBundles", "ModelFolders", "Records", "Storage", "Tasks",
      "Tokenizers", "Training",
    ]
  ),
  ("MartletABI", ["CMartlet", "Martlet", "Sessions", "Storage", "Tasks"]),
  (
    "CommandLine",
    [
      "Bundles", "Checkpoints", "Decompression", "Encoders", "Inference", "JSON", "Kernels", "Martlet", "MartletTuning",
      "ModelBundles", "ModelFolders", "Packing", "Records", "Reporting", "Sessions", "Storage", "Tasks", "Tokenizers", "Training",
      "WeightFormats", .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]
  ),
]

/// The gate (`.ci/run`) asks for warnings to be errors. Nobody who depends on Martlet does, and a newer compiler may warn anew.
#if compiler(<6.4)
let warnings: [SwiftSetting] = Context.environment["MARTLET_WARNINGS_ARE_ERRORS"] == nil ? [] : [.treatAllWarnings(as: .error)]
#else
let warnings: [SwiftSetting] = []
#endif

/// A section for each function, and none of them marked to be kept: what a program does not call is not linked into it.
let linkedIfCalled = ["-Xfrontend", "-function-sections", "-Xfrontend", "-internalize-at-link"]

/// Unoptimised SIMD is a hundred times slower. A number of threads makes an object file of each source file, as debug builds
/// expect it: of the whole module at once there is one, where nobody looks for it.
let optimisedInDebug = ["-O", "-wmo", "-num-threads", "1", "-disable-batch-mode"]

let kernelTargets: [Target] = kernelFlags.keys.sorted().map { name in
  .target(
    name: name, dependencies: ["CVector"],
    swiftSettings: [.unsafeFlags(linkedIfCalled + kernelFlags[name]!), .unsafeFlags(optimisedInDebug, .when(configuration: .debug))])
}
/// Modules in which no time is spent: what is small is better than what is fast there.
let optimisedForSize: Set<String> = ["Checkpoints", "CommandLine", "Encoders", "MartletTuning", "ModelFolders", "Packing", "Reporting", "TokenizerImport"]
let linkerSettings: [String: [LinkerSetting]] = [
  "Bundles": [.unsafeFlags(["-Xlinker", "-l:liblz4.a"])],
  "Decompression": [.unsafeFlags(["-Xlinker", "-l:liblz4.a", "-Xlinker", "-l:libz.a"])],
]
let moduleTargets: [Target] = modules.map {
  .target(
    name: $0.name, dependencies: $0.imports, exclude: ["README.md"],
    swiftSettings: [.unsafeFlags(linkedIfCalled)]
      + (optimisedForSize.contains($0.name) ? [.unsafeFlags(["-Osize"], .when(configuration: .release))] : []),
    linkerSettings: linkerSettings[$0.name])
}
/// What tests import besides their module and what it imports.
let testImports: [String: [Target.Dependency]] = [
  "Kernels": ["WeightFormats"],
  "Martlet": ["TokenizerImport"],
  "MartletABI": ["Bundles", "Checkpoints", "Encoders", "JSON", "Packing", "Records"], "MartletTuning": ["Bundles", "Packing", "WeightFormats"],
  "Packing": ["Inference", "Kernels", "Martlet"],
  "TokenizerImport": ["TokenizerTestSupport"],
  "Tokenizers": ["JSON", "TokenizerImport", "TokenizerTestSupport"],
]
let testTargets: [Target] = modules.map { module in
  .testTarget(
    name: module.name + "Tests",
    dependencies: [.init(stringLiteral: module.name)] + module.imports + testImports[module.name, default: []] + ["TestSupport"])
}

/// The readers of untrusted bytes as a fuzzer feeds them (`Tests/Fuzz`), and the replay of its corpus.
let fuzzing: [Target] = [
  .target(
    name: "FuzzHarness",
    dependencies: ["Bundles", "Checkpoints", "Decompression", "Encoders", "JSON", "Martlet", "Records", "Storage", "TokenizerImport", "Tokenizers"],
    path: "Tests/Fuzz/Harness"),
  .testTarget(name: "FuzzTests", dependencies: ["FuzzHarness", "Storage", "TestSupport"]),
]

/// Prints what must be the same on every machine. Of interest to `tools/check-arm64` alone, which asks for it.
let crossCheck: [Target] =
  Context.environment["MARTLET_CROSS_CHECK"] == nil
  ? [] : [.executableTarget(name: "CrossCheck", dependencies: ["CVector", "Encoders", "Kernels", "Martlet", "Storage", "WeightFormats"], path: "Tests/CrossCheck")]

/// Measures what tokenizers cost, for `Tests/WorstCase/run`, which asks for it.
let worstCase: [Target] =
  Context.environment["MARTLET_WORST_CASE"] == nil
  ? [] : [.executableTarget(name: "WorstCase", dependencies: ["Bundles", "JSON", "Storage", "TokenizerImport", "Tokenizers"], path: "Tests/WorstCase/Measure")]

let package = Package(
  name: "martlet",
  products: [
    .library(name: "Martlet", targets: ["Martlet"]),
    .library(name: "MartletTuning", targets: ["MartletTuning"]),
    // What tools/install makes libmartlet.so and libmartlet.a of.
    .library(name: "libmartlet", type: .static, targets: ["MartletABI"]),
    .executable(name: "martlet", targets: ["MartletTool"]),
  ],
  dependencies: [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")],
  targets: [
    .target(name: "CVector"),
    .target(name: "CSystem"),
    // Nobody looks names up in it: without them for the loader it is 0.7 MB smaller.
    .executableTarget(
      name: "MartletTool", dependencies: ["CommandLine"], linkerSettings: [.unsafeFlags(["-Xlinker", "--no-export-dynamic"])]),
    // Linked in from their archives, so that what is built runs where liblz4 and zlib are not installed.
    .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    // The C interface's header, which MartletABI implements.
    .systemLibrary(name: "CMartlet"),
    .target(name: "TestSupport", dependencies: ["JSON", "Storage"], path: "Tests/TestSupport"),
    .target(
      name: "TokenizerTestSupport", dependencies: ["JSON", "TestSupport", "TokenizerImport", "Tokenizers"], path: "Tests/TokenizerTestSupport"),
  ] + kernelTargets + moduleTargets + testTargets + fuzzing + crossCheck + worstCase
)
for target in package.targets where target.type != .system { target.swiftSettings = (target.swiftSettings ?? []) + warnings }
