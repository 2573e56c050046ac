#if canImport(Glibc)
  import Glibc
#endif

/// Memory that ends where a page without access rights begins: a kernel that reads or writes one byte too many stops
/// the test run at that instruction.
///
/// A pointer does not keep the memory: callers end with `withExtendedLifetime`.
final class GuardedBuffer<Element> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  init(_ count: Int, _ element: (Int) -> Element) {
    let page = 4096
    let bytes = count * MemoryLayout<Element>.stride
    let data = (bytes + page - 1) / page * page
    mappedBytes = data + page
    mapping = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(mapping != MAP_FAILED && mprotect(mapping + data, page, PROT_NONE) == 0)
    pointer = (mapping + data - bytes).bindMemory(to: Element.self, capacity: count)
    self.count = count
    for index in 0..<count { (pointer + index).initialize(to: element(index)) }
  }

  convenience init(_ elements: [Element]) { self.init(elements.count) { elements[$0] } }

  deinit { munmap(mapping, mappedBytes) }

  var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }
  var array: [Element] { withExtendedLifetime(self) { Array(UnsafeBufferPointer(start: pointer, count: count)) } }
}
