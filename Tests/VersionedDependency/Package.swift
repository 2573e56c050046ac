// swift-tools-version: 6.2
import PackageDescription

// A program outside the repository that depends on Martlet by version. `run` says where the repository is.
let package = Package(
  name: "classify",
  dependencies: [.package(url: Context.environment["MARTLET_URL"]!, .upToNextMinor(from: "0.1.0"))],
  targets: [.executableTarget(name: "Classify", dependencies: [.product(name: "Martlet", package: "martlet")])]
)
