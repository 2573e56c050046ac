import Checkpoints
import JSON
import Storage
import TestSupport
import Testing

@Suite struct PyTorchFileTests {
  /// Every type, transposed, cut, permuted and shared tensors, parameters: what torch says that they hold.
  @Test func everyTensorIsWhatTheReferenceSays() throws {
    let file = try PyTorchFile(path: fixture("pytorch/odd.bin"))
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
    ("attack", "a name that builds tensors, found posix.system"),
    ("float8", "a name that builds tensors, found torch._utils._rebuild_tensor_v3"),
    ("legacy", "expected a zip archive, found a bare pickle as PyTorch before 1.6 wrote it: convert it"),
    ("expanded", "a view of 1 elements, found shape [1099511627776], strides [0] from 0"),
    ("nested", "pickle, model: expected a tensor, found a container"),
    ("list", "a dictionary of tensors"), ("newer-protocol", "pickle protocol 2, found 4"),
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

  @Test func everyTruncation() throws {
    let whole = try fixtureBytes("pytorch/pytorch_model-00001-of-00002.bin")
    try withTemporaryFolder { folder in
      for count in whole.indices {
        try write(Array(whole.prefix(count)), to: folder + "/t.bin")
        #expect(fault { _ = try PyTorchFile(path: folder + "/t.bin") } != nil, "\(count) of \(whole.count) bytes were accepted")
      }
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
