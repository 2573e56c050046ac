"""Sound bundles, and what a forger makes of them. The format is that of Sources/Bundles/README.md, written here a second time on purpose."""

import json
import shutil
import struct
import subprocess

import files

M = (1 << 64) - 1
P1, P2, P3, P4, P5 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def rotated(x, bits):
    return (x << bits | x >> (64 - bits)) & M


def step(lane, word):
    return rotated((lane + word * P2) & M, 31) * P1 & M


def xxh64(data):
    position, count = 0, len(data)
    if count >= 32:
        lanes = [(P1 + P2) & M, P2, 0, -P1 & M]
        for words in struct.iter_unpack("<4Q", data[: count // 32 * 32]):
            lanes = [step(lane, word) for lane, word in zip(lanes, words)]
        position = count // 32 * 32
        hashed = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & M
        for lane in lanes:
            hashed = ((hashed ^ step(0, lane)) * P1 + P4) & M
    else:
        hashed = P5
    hashed = (hashed + count) & M
    while position + 8 <= count:
        hashed = (rotated(hashed ^ step(0, int.from_bytes(data[position : position + 8], "little")), 27) * P1 + P4) & M
        position += 8
    if position + 4 <= count:
        hashed = (rotated(hashed ^ int.from_bytes(data[position : position + 4], "little") * P1 & M, 23) * P2 + P3) & M
        position += 4
    for byte in data[position:]:
        hashed = rotated(hashed ^ byte * P5 & M, 11) * P1 & M
    hashed = (hashed ^ hashed >> 33) * P2 & M
    hashed = (hashed ^ hashed >> 29) * P3 & M
    return hashed ^ hashed >> 32


KINDS = {1: "configuration", 2: "tokenizer", 3: "labels", 4: "matrix", 5: "embedding", 6: "normalization", 7: "quality report", 8: "card", 9: "source file", 10: "calibration", 11: "base"}


class Section:
    def __init__(self, entry, name, stored):
        (self.kind, self.codec, self.flags, self.layout, self.rank, self.reserved, _, self.word, *rest) = struct.unpack("<HBBHBBII4Q5Q", entry)
        self.shape, (_, _, self.raw_size, _, self.raw_checksum) = rest[:4], rest[4:]
        self.name, self.stored = name, stored

    def __str__(self):
        return KINDS.get(self.kind, f"kind {self.kind}") + (f" {self.name}" if self.name else "")

    def replace(self, raw):
        """Other content, stored as it is."""
        self.codec, self.stored, self.raw_size, self.raw_checksum = 0, raw, len(raw), xxh64(raw)


def read(data):
    count, size = struct.unpack_from("<I", data, 12)[0], struct.unpack_from("<Q", data, 32)[0]
    position, sections = 64, []
    for _ in range(count):
        entry = data[position : position + 88]
        length = struct.unpack_from("<I", entry, 8)[0]
        offset, stored = struct.unpack_from("<2Q", entry, 48)
        sections.append(Section(entry, data[position + 88 : position + 88 + length].decode(), data[offset : offset + stored]))
        position += 88 + (length + 7) // 8 * 8
    assert position == 64 + size
    return sections


def up(value, multiple):
    return -(-value // multiple) * multiple


def written(sections, change=None, header=None, cut=None):
    """The bytes of a bundle with true checksums. `change`: of an entry's bytes by its number; `header`: of the header's."""
    size = sum(88 + up(len(section.name.encode()), 8) for section in sections)
    offset = up(64 + size, 4096)
    index, contents = bytearray(), bytearray()
    start = offset
    for number, section in enumerate(sections):
        name = section.name.encode()
        entry = bytearray(
            struct.pack(
                "<HBBHBBII4Q5Q", section.kind, section.codec, section.flags, section.layout, section.rank, section.reserved, len(name), section.word,
                *section.shape, offset, len(section.stored), section.raw_size & M, xxh64(section.stored), section.raw_checksum))
        if change and number in change:
            change[number](entry)
        index += entry + name + bytes(-len(name) % 8)
        contents += section.stored + bytes(-len(section.stored) % 64)
        offset = start + len(contents)
    front = bytearray(b"\x89MRTL\r\n\x1a" + struct.pack("<IIQQQQQ", 1, len(sections), offset, 64, size, xxh64(index), 0))
    if header:
        header(front)
    front += struct.pack("<Q", xxh64(front))
    whole = bytes(front) + bytes(index) + bytes(start - 64 - size) + bytes(contents)
    return whole[:cut] if cut else whole


def lz4_of_one_byte(byte, size):
    """An LZ4 block of `size` times a byte."""
    length = size - 1 - 5
    block = bytearray([0x1F, byte, 1, 0])
    rest = length - 4 - 15
    block += b"\xff" * (rest // 255) + bytes([rest % 255])
    return bytes(block) + bytes([0x50]) + bytes([byte]) * 5


def lz4(raw_blocks):
    return b"".join(struct.pack("<I", len(block)) for block in raw_blocks) + b"".join(raw_blocks)


def of_one_byte(byte, size, block=1 << 20):
    counts = [min(block, size - start) for start in range(0, size, block)]
    return lz4([lz4_of_one_byte(byte, count) for count in counts])


def literal(raw):
    """As one LZ4 block of literals."""
    length = len(raw) - 15
    return bytes([0xF0]) + b"\xff" * (length // 255) + bytes([length % 255]) + raw


def behind(start, size):
    """A section that starts as a sound one and goes on with zeros, as LZ4: what a forger of sizes needs."""
    blocks = []
    for position in range(0, size, 1 << 20):
        count = min(1 << 20, size - position)
        part = start[position : position + count]
        if not part:
            blocks.append(lz4_of_one_byte(0, count))
            continue
        rest = count - len(part)
        if rest < 64:
            blocks.append(part + bytes(rest))
            continue
        # The literals, then a match of zeros.
        head = part + b"\0"
        length = len(head) - 15
        token = bytes([0xFF]) + b"\xff" * (length // 255) + bytes([length % 255]) + head + b"\x01\x00"
        matched = rest - 1 - 5 - 19
        blocks.append(token + b"\xff" * (matched // 255) + bytes([matched % 255]) + bytes([0x50]) + bytes(5))
    return lz4(blocks)


# MARK: Sound bundles


def wide(source, target, rows):
    """The tiny BERT with more rows of its embedding table, for tokenizers of more tokens."""
    shutil.copytree(source, target)
    path = target / "model.safetensors"
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + size])
    tensors = {name: data[8 + size + entry["data_offsets"][0] : 8 + size + entry["data_offsets"][1]] for name, entry in header.items() if name != "__metadata__"}
    name = "bert.embeddings.word_embeddings.weight"
    width = header[name]["shape"][1]
    tensors[name] = (tensors[name] * (rows // header[name]["shape"][0] + 1))[: rows * width * 4]
    header[name]["shape"][0] = rows
    offset = 0
    for key, content in tensors.items():
        header[key]["data_offsets"] = [offset, offset + len(content)]
        offset += len(content)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))
    configuration = json.loads((target / "config.json").read_text())
    configuration["vocab_size"] = rows
    (target / "config.json").write_text(json.dumps(configuration))
    for name in ("tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (target / name).unlink(missing_ok=True)
    return target


def sound_bundles(root, tool, folder):
    fixtures = root / "Tests" / "Fixtures"

    def pack(source, name, *options):
        path = folder / name
        subprocess.run([tool, "pack", str(source), "-o", str(path), *options], check=True, capture_output=True)
        return path

    found = {"mapped": pack(fixtures / "tiny-bert", "base.martlet"), "compact": pack(fixtures / "tiny-bert", "compact.martlet", "--compact")}
    found["fp32"] = pack(fixtures / "tiny-bert", "fp32.martlet", "--weights", "fp32")
    pack(fixtures / "tiny-bert-sharded-f16", "base2.martlet")
    found["delta"] = pack(fixtures / "tiny-bert-sharded-bf16", "delta.martlet", "--base", str(found["mapped"]))
    documents = files.families()
    source = wide(fixtures / "tiny-bert", folder / "wide", 1500)
    for name in ("ALBERT", "DeBERTa v3", "Qwen2", "BPE with byte fallback", "whole words"):
        (source / "tokenizer.json").write_text(json.dumps(documents[name]))
        found[name] = pack(source, name.replace(" ", "-") + ".martlet")
    (source / "tokenizer.json").unlink()
    codes = json.loads((fixtures / "tokenizer" / "codes.json").read_text())
    case = next(case for case in codes["cases"] if "normalization" in case["configuration"] or case["name"].startswith("BERTweet"))
    (source / "bpe.codes").write_text(codes["codes"])
    (source / "vocab.txt").write_text(codes["vocabulary"])
    (source / "tokenizer_config.json").write_text(json.dumps(case["configuration"]))
    found[case["name"]] = pack(source, "tweets.martlet")
    return found


# MARK: Forgeries

FIELDS = {
    "kind": (0, "<H"), "codec": (2, "<B"), "flags": (3, "<B"), "layout": (4, "<H"), "rank": (6, "<B"), "reserved": (7, "<B"), "name size": (8, "<I"),
    "reserved word": (12, "<I"), "rows": (16, "<Q"), "columns": (24, "<Q"), "third dimension": (32, "<Q"), "offset": (48, "<Q"), "stored size": (56, "<Q"),
    "raw size": (64, "<Q"), "stored checksum": (72, "<Q"), "raw checksum": (80, "<Q"),
}
HEADER = {"version": (8, "<I"), "sections": (12, "<I"), "file size": (16, "<Q"), "index offset": (24, "<Q"), "index size": (32, "<Q"), "index checksum": (40, "<Q"), "reserved": (48, "<Q")}


def values(old, layout):
    most = (1 << 8 * struct.calcsize(layout)) - 1
    found = {0, 1, 2, 3, 4, old + 1, old - 1, old + 64, old - 64, 2 * old, 1 << 24, 1 << 31, (1 << 31) - 1, (1 << 32) - 1, 1 << 40, (1 << 62) + 5, (1 << 63) - 1, 1 << 63, most}
    return sorted(value for value in found if 0 <= value <= most and value != old)


def setting(position, layout, value):
    return lambda data: struct.pack_into(layout, data, position, value)


def in_index(data):
    sections = read(data)
    plain = written(sections)
    assert plain == data, "a bundle that is written again is the same"
    for what, (position, layout) in HEADER.items():
        for value in values(struct.unpack_from(layout, data, position)[0], layout):
            yield f"header, {what} {value}", lambda value=value, position=position, layout=layout: written(read(data), header=setting(position, layout, value))
    seen = set()
    for number, section in enumerate(sections):
        if (section.kind, section.codec) in seen:
            continue
        seen.add((section.kind, section.codec))
        position = 64 + sum(88 + up(len(other.name.encode()), 8) for other in sections[:number])
        for what, (field, layout) in FIELDS.items():
            for value in values(struct.unpack_from(layout, data, position + field)[0], layout):
                yield f"{section}, {what} {value}", lambda number=number, field=field, layout=layout, value=value: written(read(data), {number: setting(field, layout, value)})
    yield "sections in reverse order", lambda: written(read(data)[::-1])
    yield "a section twice", lambda: written(read(data) + read(data)[:1])
    yield "no section", lambda: written([])
    for number, section in enumerate(sections):
        yield f"without {section}", lambda number=number: written([other for i, other in enumerate(read(data)) if i != number])
        yield f"{section} overlaps the one before", lambda number=number: written(read(data), {number: lambda entry: struct.pack_into("<Q", entry, 48, struct.unpack_from("<Q", entry, 48)[0] - 64)})
    yield "many empty sections", lambda: written([Section(struct.pack("<HBBHBBII4Q5Q", 99, 0, 0, 0, 0, 0, 0, 0, *[0] * 8, xxh64(b"")), f"{i}", b"") for i in range(65000)])


def with_content(data, number, raw, **changes):
    sections = read(data)
    sections[number].replace(raw)
    for key, value in changes.items():
        setattr(sections[number], key, value)
    return written(sections)


def in_sections(data, generator):
    sections = read(data)
    for number, section in enumerate(sections):
        size = len(section.stored)
        for what, raw in [("empty", b""), ("one byte", b"x"), ("zeros", bytes(size)), ("all bits", b"\xff" * size), ("a byte more", section.stored + b"\0"), ("a byte less", section.stored[:-1]), ("random", generator.randbytes(size))]:
            yield f"{section}: {what}", lambda number=number, raw=raw: with_content(data, number, raw)
            # As the codec had it: its own tables are the target.
            if section.codec:
                yield f"{section}: codec {section.codec}, {what}", lambda number=number, raw=raw, section=section: with_content(data, number, raw, codec=section.codec, raw_size=section.raw_size, raw_checksum=section.raw_checksum)


def of_sizes(data):
    """Sections that say that they are large, and compressed ones that are."""
    for number, section in enumerate(read(data)):
        if section.kind in (4, 5, 6) and number > 4 and section.kind != 5:
            continue
        for raw_size in (1 << 20, 15 << 20, 17 << 20, 100 << 20, 1 << 30):
            for codec, block in ((1, 1 << 20), (2, 1 << 17)):
                if raw_size >= 1 << 30 and codec == 2:
                    continue
                stored = of_one_byte(0x5B if section.kind in (1, 3) else 0, raw_size, block)

                def make(number=number, codec=codec, raw_size=raw_size, stored=stored):
                    return with_content(data, number, stored, codec=codec, raw_size=raw_size, raw_checksum=0)

                yield f"{section}: {raw_size >> 20} MiB of one byte by codec {codec}", make
    number = next(number for number, section in enumerate(read(data)) if section.kind == 1)
    for what, part in [("numbers", b"0,"), ("arrays", b"[],"), ("small arrays", b"[0],"), ("objects", b'{"":0},')]:
        for size in (1 << 20, (4 << 20) - 64, 16 << 20):
            yield f"configuration: {size >> 20} MiB of {what}", lambda part=part, size=size: with_content(data, number, b'{"id2label":[' + part * (size // len(part)) + b"0]}")


def in_tokenizer(data, raw, generator, count):
    """Words of the compiled form: counts, offsets, ids, units of tries."""
    number = next(number for number, section in enumerate(read(data)) if section.kind == 2)
    positions = [*range(0, 64, 4), *(4 * generator.randrange(len(raw) // 4) for _ in range(count)), *range(len(raw) // 4 * 4 - 64, len(raw) - 3, 4)]
    for position in positions:
        old = struct.unpack_from("<I", raw, position)[0]
        for value in generator.sample(values(old, "<I"), 3):
            yield f"tokenizer, word at {position} {value}", lambda position=position, value=value: with_content(data, number, raw[:position] + struct.pack("<I", value) + raw[position + 4 :])
    for _ in range(count):
        start = 4 * generator.randrange(len(raw) // 4)
        length = 4 * generator.choice([1, 4, 16, 256])
        for what, part in [("zeros", bytes(length)), ("all bits", b"\xff" * length), ("random", generator.randbytes(length))]:
            yield f"tokenizer, {length} bytes at {start}: {what}", lambda start=start, part=part: with_content(data, number, (raw[:start] + part + raw[start + len(part) :])[: len(raw)])
    for size in (15 << 20, 60 << 20):
        # The last count before the end is one of many elements.
        for position in (*range(8, 40, 4), *range(len(raw) // 4 * 4 - 40, len(raw) - 3, 4)):
            start = raw[:position] + struct.pack("<I", (size - position - 4) // 20)
            yield f"tokenizer, {size >> 20} MiB behind word {position}", lambda start=start, size=size: with_content(data, number, behind(start, size), codec=1, raw_size=size, raw_checksum=0)


def in_configuration(data):
    sections = read(data)
    number = next(number for number, section in enumerate(sections) if section.kind == 1)
    stored = sections[number].stored if sections[number].codec == 0 else None
    if stored is None:
        return
    document = json.loads(stored)
    for key in document:
        for value in (None, 0, -1, 1, 7, 1 << 20, 1 << 31, 1 << 62, 1e308, -1e308, "x", "", [], {}, [1] * 100, True, {"0": "a", "5": "b"}):
            yield f"configuration, {key} {str(value)[:20]}", lambda key=key, value=value: with_content(data, number, json.dumps({**document, key: value}).encode())
    for text in (b"[" * 200, b"{}", b"[]", b"null", b"1", b'{"model_type":"bert"}', b"\xff\xfe"):
        yield f"configuration {text[:20]}", lambda text=text: with_content(data, number, text)


def of_bases(data):
    sections = read(data)
    number = next(number for number, section in enumerate(sections) if section.kind == 11)
    checksum = sections[number].stored[:8]
    for what, raw in [
        ("itself", checksum + b"forged.martlet"), ("another bundle", checksum + b"base2.martlet"), ("none", checksum), ("a path", checksum + b"../base.martlet"), ("a folder", checksum + b".."),
        ("a name with a zero", checksum + b"base\0.martlet"), ("a long name", checksum + b"x" * 300), ("another checksum", bytes(8) + b"base.martlet"), ("no file", checksum + b"missing.martlet"),
    ]:
        yield f"base: {what}", lambda raw=raw: with_content(data, number, raw)
    for i, section in enumerate(sections):
        if section.codec not in (3, 4):
            continue
        for size in (0, 1, 8, 9, 64):
            yield f"{section}: {size} bytes of a delta", lambda i=i, size=size: with_content(data, i, section.stored[:size], codec=4, raw_size=sections[i].raw_size, raw_checksum=sections[i].raw_checksum)
        for streams in (0, 1, 1 << 20, 1 << 40, M):
            yield f"{section}: streams of {streams} bytes", lambda i=i, streams=streams: with_content(data, i, struct.pack("<Q", streams) + sections[i].stored[8:], codec=4, raw_size=sections[i].raw_size, raw_checksum=sections[i].raw_checksum)
        for raw_size in (0, 1, 1 << 20, 1 << 40, 1 << 62):
            yield f"{section}: raw size {raw_size}", lambda i=i, raw_size=raw_size: with_content(data, i, sections[i].stored, codec=sections[i].codec, raw_size=raw_size, raw_checksum=sections[i].raw_checksum)


def decoded(stored, raw_size):
    """Blocks of LZ4, for the small sections of the sound bundles."""
    count = -(-raw_size // (1 << 20))
    sizes = struct.unpack_from(f"<{count}I", stored)
    position, out = 4 * count, bytearray()
    for size in sizes:
        block, start, end = stored[position : position + size], len(out), min(raw_size, len(out) + (1 << 20))
        position += size
        if size == end - start:
            out += block
            continue
        i = 0

        def extended(length, i):
            if length == 15:
                while True:
                    length, i = length + block[i], i + 1
                    if block[i - 1] != 255:
                        break
            return length, i

        while i < len(block):
            token = block[i]
            length, i = extended(token >> 4, i + 1)
            out += block[i : i + length]
            i += length
            if i >= len(block):
                break
            offset = block[i] | block[i + 1] << 8
            length, i = extended(token & 15, i + 2)
            for _ in range(length + 4):
                out.append(out[-offset])
    assert len(out) == raw_size
    return bytes(out)


def all_forgeries(sound, generator, count):
    for kind, path in sound.items():
        data = path.read_bytes()
        sections = read(data)
        if kind in ("mapped", "delta"):
            yield from ((kind, what, make) for what, make in in_index(data))
        if kind in ("mapped", "compact", "fp32", "delta"):
            yield from ((kind, what, make) for what, make in in_sections(data, generator))
        if kind == "mapped":
            yield from ((kind, what, make) for what, make in of_sizes(data))
            number = next(number for number, section in enumerate(sections) if section.kind == 1)
            plain = with_content(data, number, decoded(sections[number].stored, sections[number].raw_size) if sections[number].codec else sections[number].stored)
            yield from ((kind, what, make) for what, make in in_configuration(plain))
        if kind == "delta":
            yield from ((kind, what, make) for what, make in of_bases(data))
        section = next(section for section in sections if section.kind == 2)
        if section.codec < 2 and kind not in ("compact", "fp32"):
            raw = decoded(section.stored, section.raw_size) if section.codec else section.stored
            yield from ((kind, what, make) for what, make in in_tokenizer(data, raw, generator, count))
