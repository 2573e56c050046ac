import Checkpoints
import JSON
import Storage
import TestSupport
import Testing

@Suite struct PyTorchFileTests {
  /// Every type, transposed, cut, permuted, expanded and shared tensors, parameters: what torch says that they hold, in the archive
  /// of today, in the row of pickles of before PyTorch 1.6, and in each protocol of pickle.
  @Test(arguments: ["odd", "odd-protocol-3", "odd-protocol-4", "odd-protocol-5", "odd-sequence", "odd-sequence-protocol-4"])
  func everyTensorIsWhatTheReferenceSays(name: String) throws {
    let file = try PyTorchFile(path: fixture("pytorch/\(name).bin"))
    let expected = try #require(try fixtureJSON("pytorch/odd.json").object)
    #expect(file.tensors.count == expected.count + 6)
    for (name, entry) in expected.entries {
      let tensor = try #require(file[name], "\(name)")
      #expect(tensor.shape == entry["shape"]?.array?.compactMap(\.int), "\(name)")
      #expect(try tensor.readFloat32() == entry["values"]?.array?.compactMap { $0.double.map { Float($0) } }, "\(name)")
    }
    for (name, type) in [("long", ElementType.int64), ("int", .int32), ("short", .int16), ("char", .int8), ("byte", .uint8), ("bool", .bool)] {
      #expect(file[name]?.elementType == type)
      #expect(fault { _ = try file[name]!.readFloat32() } == .notFloatingPoint(tensor: name, found: type))
    }
    #expect(file["long"]?.bytes?.elementsEqual(littleEndian([1, -(1 << 40)])) == true)
    #expect(file["transposed"]?.bytes == nil && file["rows"]?.bytes != nil && file["single"]?.bytes != nil)
    #expect(file["expanded"]?.bytes == nil)
  }

  /// Views with keys of their own, and strings and dictionaries as Python 2 pickled them.
  @Test func filesOfOlderVersions() throws {
    let expected = try #require(try fixtureJSON("pytorch/older.json").object)
    var count = 0
    for name in ["views", "python2"] {
      for tensor in try PyTorchFile(path: fixture("pytorch/\(name).bin")).tensors {
        let entry = try #require(expected[tensor.name], "\(tensor.name)")
        #expect(tensor.shape == entry["shape"]?.array?.compactMap(\.int), "\(tensor.name)")
        #expect(try tensor.readFloat32() == entry["values"]?.array?.compactMap { $0.double.map { Float($0) } }, "\(tensor.name)")
        count += 1
      }
    }
    #expect(count == expected.count)
  }

  /// A tensor of one element that says that it is a terabyte: it is what its shape says, and memory is asked for by who wants it.
  @Test func anExpandedTensorTakesNoMemory() throws {
    let tensor = try #require(PyTorchFile(path: fixture("pytorch/expanded.bin"))["a"])
    #expect(tensor.shape == [1 << 40] && tensor.bytes == nil)
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
    defer { values.deallocate() }
    #expect(fault { try tensor.readFloat32(into: values) } == .shape(tensor: "a", expected: [2], found: [1 << 40]))
  }

  /// A folder of before safetensors, its linear layers stored transposed: the weights of the same model in safetensors.
  @Test func aFolderHasTheWeightsOfItsTwin() throws {
    let pickled = try CheckpointWeights(folder: fixture("tiny-bert-pickled"))
    let twin = try CheckpointWeights(folder: fixture("tiny-bert-sharded-f16"))
    #expect(pickled.fileNames == ["pytorch_model.bin"])
    #expect(Set(pickled.names) == Set(twin.names).union(["cls.predictions.decoder.weight"]))
    for name in twin.names {
      #expect(pickled[name]?.shape == twin[name]?.shape)
      #expect(try pickled[name]?.readFloat32() == twin[name]?.readFloat32(), "\(name)")
    }
    #expect(pickled["bert.pooler.dense.weight"]?.isRowMajor == false)
    #expect(try pickled["cls.predictions.decoder.weight"]?.readFloat32() == twin["bert.embeddings.word_embeddings.weight"]?.readFloat32())
  }

  @Test func shardsAndWhichFileWins() throws {
    let sharded = try CheckpointWeights(folder: fixture("pytorch"))
    #expect(sharded.names == ["a", "b"] && sharded.fileNames.count == 2)
    #expect(try sharded["a"]?.readFloat32() == [0, 1, 2] && sharded["b"]?.readFloat32() == [0, 1])
    try withTemporaryFolder { folder in
      func copy(_ name: String, as target: String) throws { try write(fixtureBytes("pytorch/" + name), to: folder + "/" + target) }
      for name in ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"] {
        try copy(name, as: name)
      }
      #expect(try CheckpointWeights(folder: folder).names == ["a", "b"])
      try copy("without-checksums.bin", as: "pytorch_model.bin")
      #expect(try CheckpointWeights(folder: folder)["a"]?.readFloat32() == [0, 1, 2, 3, 4, 5])
      try withOutputTensors([("w", [1], [7])]) { try writeSafetensors($0, to: folder + "/model.safetensors") }
      #expect(try CheckpointWeights(folder: folder).names == ["w"])
    }
  }

  @Test(arguments: [
    ("attack", "a name that builds tensors (what torch.save makes of a state_dict), found posix.system"),
    ("float8", "found torch._utils._rebuild_tensor_v3"),
    ("attack-sequence", "(what torch.save makes of a state_dict), found posix.system"),
    ("attack-protocol-4", "found posix.system"),
    ("nested", "found a training checkpoint with them under \"model\": save them alone"),
    ("nested-sequence", "found a training checkpoint with them under \"state_dict\": save them alone"),
    ("module", "found torch.nn.modules.linear.Linear"), ("module-sequence", "found torch.nn.modules.linear.Linear"),
    ("no-tensors", "pickle, epoch: expected a tensor, found the integer 3"), ("list", "a dictionary of tensors, found a list"),
    ("compressed", "stored bytes, found compression method 8"), ("big-endian", "byteorder: expected little"),
  ]) func whatIsRefusedIsNamed(file: String, words: String) throws {
    let path = fixture("pytorch/\(file).bin")
    do {
      _ = try PyTorchFile(path: path)
      Issue.record("\(file) was opened")
    } catch {
      #expect("\(error)".hasPrefix(path + ": ") && "\(error)".contains(words) && !"\(error)".contains("\n"), "\(error)")
    }
    #expect(!fileExists("attacked"))
  }

  @Test(arguments: ["pytorch_model-00001-of-00002", "views", "python2"]) func everyTruncation(name: String) throws {
    let whole = try fixtureBytes("pytorch/\(name).bin")
    try withTemporaryFolder { folder in
      for count in whole.indices {
        try write(Array(whole.prefix(count)), to: folder + "/t.bin")
        #expect(fault { _ = try PyTorchFile(path: folder + "/t.bin") } != nil, "\(count) of \(whole.count) bytes were accepted")
      }
    }
  }

  /// A row of pickles has no checksums: a flipped bit may change a value or a name, and never what is read outside the file.
  @Test(arguments: ["views", "python2"]) func everyBitOfASequence(name: String) throws {
    let whole = try fixtureBytes("pytorch/\(name).bin")
    try withTemporaryFolder { folder in
      let path = folder + "/t.bin"
      var refused = 0
      for bit in 0..<whole.count * 8 {
        var bytes = whole
        bytes[bit / 8] ^= 1 << (bit % 8)
        try write(bytes, to: path)
        do {
          for tensor in try PyTorchFile(path: path).tensors where tensor.elementCount < 1000 { _ = try tensor.readFloat32() }
        } catch {
          #expect(error is CheckpointError, "bit \(bit): \(error)")
          refused += 1
        }
      }
      #expect(refused > whole.count * 4)
    }
  }

  /// A flipped bit is refused, or changes nothing: what no checksum covers is padding, times, and entries that are not read.
  @Test func everyByteWithAFlippedBit() throws {
    let whole = try fixtureBytes("pytorch/pytorch_model-00001-of-00002.bin")
    try withTemporaryFolder { folder in
      let path = folder + "/t.bin"
      var refused = 0
      for position in whole.indices {
        var bytes = whole
        bytes[position] ^= 1 << (position % 8)
        try write(bytes, to: path)
        do {
          let file = try PyTorchFile(path: path)
          #expect(try file.tensors.map(\.name) == ["a"] && file["a"]?.readFloat32() == [0, 1, 2], "byte \(position)")
        } catch {
          #expect(error is CheckpointError, "byte \(position): \(error)")
          refused += 1
        }
      }
      #expect(refused > 400)
    }
  }
}
