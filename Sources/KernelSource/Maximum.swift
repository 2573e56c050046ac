import CVector

package enum Kernel {
  package static func maximum(_ values: UnsafePointer<Float>, _ count: Int) -> Float {
    var maximum = -Float.infinity
    for index in 0..<count { maximum = max(maximum, values[index]) }
    return maximum
  }
}
