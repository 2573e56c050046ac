#if canImport(Glibc)
  import Glibc
#endif

/// The C library's functions of real numbers, under the names of swift-numerics. What they give may differ in the last bit from one C
/// library to another; nothing that must be the same everywhere is computed with them.
extension Double {
  @inlinable package static func exp(_ x: Double) -> Double { Glibc.exp(x) }
  @inlinable package static func log(_ x: Double) -> Double { Glibc.log(x) }
  @inlinable package static func log(onePlus x: Double) -> Double { Glibc.log1p(x) }
  @inlinable package static func log10(_ x: Double) -> Double { Glibc.log10(x) }
  @inlinable package static func pow(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
  @inlinable package static func cos(_ x: Double) -> Double { Glibc.cos(x) }
  @inlinable package static func sin(_ x: Double) -> Double { Glibc.sin(x) }
  @inlinable package static func erfc(_ x: Double) -> Double { Glibc.erfc(x) }
}

extension Float {
  @inlinable package static func log(_ x: Float) -> Float { Glibc.logf(x) }
   package static func cos(_ x: Float) -> Float { Glibc.cosf(x) }
   package static func sin(_ x: Float) -> Float { Glibc.sinf(x) }
}
