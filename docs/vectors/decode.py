"""Reads every file that vectors.json lists, as docs/FEED-FORMAT.md says, and compares content or error; then merges
the reports of merging.json.

Standard library only; the page is all that it was written from. Run: python3 decode.py
"""

import base64
import binascii
import hashlib
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent
LIST = json.loads((FOLDER / "vectors.json").read_text("utf-8"))


class Refused(Exception):
    """Carries the name of an error."""


def check(holds, error):
    if not holds:
        raise Refused(error)


def sha256(data):
    return hashlib.sha256(data).digest()


class Bytes:
    """Takes values off the front."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        check(count <= len(self.data), "truncated")
        head, self.data = self.data[:count], self.data[count:]
        return head

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self, limit=2**64 - 1):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            check(value < 2**64 and (shift < 63 or byte < 0x80), "outOfRange")
            if byte < 0x80:
                check(byte or not shift, "notCanonical")
                check(value <= limit, "limitExceeded")
                return value
            shift += 7


class Bits:
    """Takes bits off the front of bytes, most significant first."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def bits(self, count):
        check(self.position + count <= 8 * len(self.data), "truncated")
        value = 0
        for place in range(self.position, self.position + count):
            value = value << 1 | self.data[place // 8] >> (7 - place % 8) & 1
        self.position += count
        return value

    def unary(self, limit):
        zeros = 0
        while not self.bits(1):
            zeros += 1
            check(zeros <= limit, "outOfRange")
        return zeros

    def exp_golomb(self, k):
        width = self.unary(32)
        return (((1 << width | self.bits(width)) - 1) << k) + self.bits(k)

    def numbers(self, count):
        k = self.bits(4)
        return [self.exp_golomb(k) for _ in range(count)]

    def rest(self):
        check(self.bits(-self.position % 8) == 0, "notCanonical")
        return self.data[self.position // 8 :]


# Batches


def lz4(block, size):
    """What a block decompresses to, which must be exactly `size` bytes."""
    source, out = Bytes(block), bytearray()

    def length(count):
        more = 255 if count == 15 else 0
        while more == 255:
            more = source.take(1)[0]
            count += more
        return count

    try:
        while True:
            token = source.take(1)[0]
            out += source.take(length(token >> 4))
            if not source.data:
                break
            offset = int.from_bytes(source.take(2), "little")
            count = length(token & 15) + 4
            check(1 <= offset <= len(out) and len(out) + count <= size, "decompression")
            for _ in range(count):
                out.append(out[-offset])
    except Refused:
        raise Refused("decompression") from None
    check(len(out) == size, "decompression")
    return bytes(out)


def batch_size(data):
    source = Bytes(data)
    check(source.take(4) == b"KTB1", "unknownFormat")
    size = source.number(4)
    check(size <= 8388600, "limitExceeded")
    check(size <= len(source.data), "lyingLength")
    return 8 + size


def batch_header(data):
    check(batch_size(data) == len(data), "trailingBytes")
    source, sections = Bytes(data[8:]), []
    publication, number = source.number(4), source.varint(131071)
    for _ in range(source.varint(64)):
        kind = source.varint()
        check(1 <= kind < 2**32, "outOfRange")
        encoding, stored = source.take(1)[0], source.varint(8388608)
        decoded = stored
        if encoding == 1:
            decoded = source.varint(8388608)
            check(decoded > stored, "notCanonical")
        check(stored <= len(source.data), "lyingLength")
        sections.append((kind, encoding, source.take(stored), decoded))
        check(len(sections) == 1 or sections[-2][0] < kind, "notAscending")
    check(not source.data, "trailingBytes")
    return publication, number, sections


def payload(sections, kind):
    for number, encoding, content, decoded in sections:
        if number == kind:
            check(encoding <= 1, "unknownFormat")
            return lz4(content, decoded) if encoding else content
    return None


def column(bits, groups, width):
    size = bits.exp_golomb(3) + 1
    check(size <= groups, "lyingLength")
    values = [bits.bits(width)]
    if size == 1:
        return values * groups
    for gap in bits.numbers(size - 1):
        values.append(values[-1] + gap + 1)
        check(values[-1] < 2**width, "outOfRange")
    position, result = 0, []
    for step in bits.numbers(groups):
        check(step < size, "outOfRange")
        position = (position + step) % size
        result.append(values[position])
    return result


def keys_of(data, publication, whole, limit, is_day):
    """Of each key, `whole` bytes stand before the high halves; a group of day keys is of a whole day in UTC."""
    source = Bytes(data)
    count = source.varint(65536)
    check(1 <= count and whole * count <= len(source.data), "lyingLength")
    bits = Bits(source.data)
    groups = list(zip(*[column(bits, count, width) for width in (3, 8, 4, 14, 32)]))
    sizes = [size + 1 for size in bits.numbers(count)]
    for row, (kind, period, risk, onset, start) in enumerate(groups):
        check(not row or groups[row - 1] < groups[row], "notAscending")
        check(kind <= 5 and 1 <= period <= 144 and risk <= 8 and onset <= 16381, "outOfRange")
        check(start + period < 2**32, "outOfRange")
        check(sizes[row] <= 262144, "limitExceeded")
    rest, total = bits.rest(), sum(sizes)
    check(total <= limit, "limitExceeded")
    check(whole * total <= len(rest), "lyingLength")
    lows, bits, keys = Bytes(rest), Bits(rest[whole * total :]), []
    for (kind, period, risk, onset, start), size in zip(groups, sizes):
        p, high, last = 64 - size.bit_length(), 0, b""
        for _ in range(size):
            high += bits.unary(2 ** (64 - p) - 1) << p
            high += bits.bits(p)
            check(high < 2**64, "outOfRange")
            key = high.to_bytes(8, "big") + lows.take(whole)
            check(not is_day or (period == 144 and start % 144 == 0), "outOfRange")
            check(last < key, "notAscending")
            last = key
            days = onset - 8191 if onset else "-"
            keys.append((start + period, "%s %d %d %d %d %s" % (key.hex(), start, period, kind, risk, days)))
    check(not bits.rest(), "trailingBytes")
    check(all(publication - 2160 < end <= publication for end, _ in keys), "keyOutsideWindow")
    return [text for _, text in keys]


def diagnosis_keys(data, publication):
    return keys_of(data, publication, 8, 262144, is_day=False)


def bluezone_keys(data, publication):
    return keys_of(data, publication, 24, 131072, is_day=True)


def predecessors(data, number):
    check(number == 0, "wrongPosition")
    check(len(data) % 8 == 0 and 1 <= len(data) // 8 <= 32, "lyingLength")
    epochs = [data[place : place + 8].hex() for place in range(0, len(data), 8)]
    check(all(one < two for one, two in zip(epochs, epochs[1:])), "notAscending")
    return epochs


def batch(data, vector):
    publication, number, sections = batch_header(data)
    keys, epochs, days = payload(sections, 2), payload(sections, 1), payload(sections, 3)
    return {
        "number": number,
        "publication": publication,
        "sections": ["kind %d encoding %d" % section[:2] for section in sections],
        "keys": [] if keys is None else diagnosis_keys(keys, publication),
        "bluezone": [] if days is None else bluezone_keys(days, publication),
        "predecessors": [] if epochs is None else predecessors(epochs, number),
        "leaf": sha256(b"\0" + data).hex(),
    }


# Merkle trees and ranges


def frontier_parts(data):
    source = Bytes(data)
    size = source.number(8)
    check(size <= 131072, "limitExceeded")
    hashes = [source.take(32) for _ in range(bin(size).count("1"))]
    check(not source.data, "trailingBytes")
    return size, hashes


def append(size, hashes, leaf):
    while size & 1:
        leaf, size = sha256(b"\1" + hashes.pop() + leaf), size >> 1
    hashes.append(leaf)


def root_of(hashes):
    root = hashes[-1] if hashes else sha256(b"")
    for left in reversed(hashes[:-1]):
        root = sha256(b"\1" + left + root)
    return root


def frontier(data, vector):
    size, hashes = frontier_parts(data)
    return {"size": size, "hashes": [one.hex() for one in hashes], "root": root_of(hashes).hex()}


def range_body(data, vector):
    batches = []
    for _ in range(2 ** vector["level"]):
        size = batch_size(data)
        batches.append(data[:size])
        data = data[size:]
    check(len(data) <= 1024, "trailingBytes")
    signed = checkpoint(data, vector)
    first, hashes = 0, []
    if "frontier" in vector:
        first, hashes = frontier_parts((FOLDER / vector["frontier"]).read_bytes())
    leaves = [sha256(b"\0" + one) for one in batches]
    for number, leaf in enumerate(leaves, first):
        append(number, hashes, leaf)
    check(signed["size"] == first + len(batches), "wrongPosition")
    check(signed["root"] == root_of(hashes).hex(), "rootMismatch")
    for number, one in enumerate(batches, first):
        check(batch_header(one)[1] == number, "wrongPosition")
    return {"leaves": [leaf.hex() for leaf in leaves], "checkpoint": signed}


# Ed25519 as in RFC 8032, section 5.1

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME


def add(one, two):
    a = (one[1] - one[0]) * (two[1] - two[0]) % PRIME
    b = (one[1] + one[0]) * (two[1] + two[0]) % PRIME
    c = 2 * one[3] * two[3] * D % PRIME
    d = 2 * one[2] * two[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def multiply(factor, point):
    result = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = add(result, point)
        point, factor = add(point, point), factor >> 1
    return result


def point(data):
    number = int.from_bytes(data, "little")
    y, sign = number % 2**255, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if y >= PRIME or (x * x - square) % PRIME or (x == 0 and sign):
        return None
    x = PRIME - x if x % 2 != sign else x
    return x, y, 1, x * y % PRIME


BASE = point((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


def ed25519(public, message, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    one, two = multiply(s, BASE), add(r, multiply(int.from_bytes(digest, "little") % ORDER, a))
    return all((one[axis] * two[2] - two[axis] * one[2]) % PRIME == 0 for axis in (0, 1))


# Signed notes and checkpoints


def unbase64(text):
    """None unless the text is what an encoder gives."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def is_name(name):
    return 1 <= len(name.encode()) <= 64 and not any(one == "+" or one.isspace() for one in name)


def read_note(data, limit):
    """The text, and name, key id and signature of each line."""
    check(len(data) <= limit, "limitExceeded")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("malformedNote") from None
    check(all(one == "\n" or " " <= one != "\x7f" for one in whole) and whole.endswith("\n"), "malformedNote")
    lines, signatures = whole.split("\n")[:-1], []
    blank = max((place for place, line in enumerate(lines) if not line), default=0)
    check(blank > 0 and 1 <= len(lines) - blank - 1 <= 64, "malformedNote")
    for line in lines[blank + 1 :]:
        parts = line.split(" ")
        check(len(parts) == 3 and parts[0] == "\u2014" and is_name(parts[1]), "malformedNote")
        raw = unbase64(parts[2])
        check(raw is not None and len(raw) > 4, "malformedNote")
        signatures.append((parts[1], raw[:4], raw[4:]))
    return "".join(line + "\n" for line in lines[:blank]), signatures


def note_key(text):
    """Name, id, type and public key; None if the text is no key."""
    parts = text.split("+", 2)
    raw = unbase64(parts[2]) if len(parts) == 3 and is_name(parts[0]) else None
    if raw is None or len(raw) != 33 or raw[0] not in (1, 4):
        return None
    identity = sha256(parts[0].encode() + b"\n" + raw)[:4]
    return (parts[0], identity, raw[0], raw[1:]) if identity.hex() == parts[1] else None


def verify(key, text, signatures):
    """The time signed; None under type 1."""
    name, identity, kind, public = key
    bodies = [body for other, number, body in signatures if (other, number) == (name, identity)]
    check(bodies, "missingSignature")
    body, message, time = bodies[0], text.encode(), None
    check(len(body) == (72 if kind == 4 else 64), "wrongSignature")
    if kind == 4:
        time, body = int.from_bytes(body[:8], "big"), body[8:]
        message = b"cosignature/v1\ntime %d\n" % time + message
        check(time < 2**63, "wrongSignature")
    check(ed25519(public, message, body), "wrongSignature")
    return time


def region_time(region, text, signatures):
    failure = "missingSignature"
    for line in LIST["keys"][region]:
        begin, end, key = line.split(" ", 2)
        try:
            time = verify(note_key(key), text, signatures)
            if time is not None and int(begin) <= time < int(end):
                return time
        except Refused as error:
            failure = "wrongSignature" if str(error) == "wrongSignature" else failure
    raise Refused(failure)


def checkpoint(data, vector):
    text, signatures = read_note(data, 1024)
    lines = text.split("\n")
    check(len(lines) == 4 and re.fullmatch("[1-9][0-9]{0,5}", lines[1]), "malformedNote")
    root = unbase64(lines[2])
    check(int(lines[1]) <= 131072 and root is not None and len(root) == 32, "malformedNote")
    check(lines[0] == "keytide/%s/%s" % (vector["region"], vector["epoch"]), "wrongPosition")
    return {"size": int(lines[1]), "root": root.hex(), "time": region_time(vector["region"], text, signatures)}


# Indexes


def is_region(text):
    return re.fullmatch("[A-Z]+(-[A-Z0-9]+)*", text) is not None and 2 <= len(text) <= 16


def entries_of(data):
    check(len(data) <= 4194304, "limitExceeded")
    source, entries = Bytes(data), []
    while source.data:
        region = source.take(source.take(1)[0]).decode("latin-1")
        check(is_region(region), "outOfRange")
        epoch, first, count, prefix = source.take(8), source.varint(), source.varint(), source.take(16)
        check(first <= count and 1 <= count <= 131072, "outOfRange")
        check(not entries or entries[-1][:2] < (region, epoch.hex()), "notAscending")
        check(len(entries) < 65536, "limitExceeded")
        entries.append((region, epoch.hex(), first, count, prefix.hex()))
    return entries


def settled(data, vector):
    return ["%s %s %d %d %s" % entry for entry in entries_of(data)]


def index(data, vector):
    check(len(data) <= 4194304, "limitExceeded")
    source = Bytes(data)
    check(source.take(4) == b"KTI1", "unknownFormat")
    text, signatures = read_note(source.take(source.varint(1024)), 1024)
    list_hash = base64.b64encode(sha256(source.data)).decode()
    settled_hash, settled_count = source.take(32), source.number(4)
    fresh = entries_of(source.data)
    origin = re.fullmatch("keytide/(.*)/index", text.split("\n")[0])
    check(origin and is_region(origin[1]) and origin[1] in LIST["keys"], "missingSignature")
    expected = "%s\n%d\n%s\n" % (origin[0], len(fresh) + settled_count, list_hash)
    check(text == expected and settled_count <= 65536, "rootMismatch")
    time = region_time(origin[1], text, signatures)
    part = (FOLDER / vector["settled"]).read_bytes()
    others = entries_of(part)
    check(sha256(part) == settled_hash and len(others) == settled_count, "rootMismatch")
    entries = sorted(fresh + others)
    check(len({entry[:2] for entry in entries}) == len(entries), "notAscending")
    return {"node": origin[1], "time": time, "entries": ["%s %s %d %d %s" % entry for entry in entries]}


# Forks


def follow(other, path, size, end):
    """The two roots that a consistency path leads to; RFC 9162, 2.1.4.2."""
    hashes = ([other] if size & (size - 1) == 0 else []) + path
    check(hashes, "rootMismatch")
    f, s = size - 1, end - 1
    while f & 1:
        f, s = f >> 1, s >> 1
    first = second = hashes[0]
    for one in hashes[1:]:
        check(s, "rootMismatch")
        if f & 1 or f == s:
            first, second = sha256(b"\1" + one + first), sha256(b"\1" + one + second)
            while f and not f & 1:
                f, s = f >> 1, s >> 1
        else:
            second = sha256(b"\1" + second + one)
        f, s = f >> 1, s >> 1
    check(s == 0, "rootMismatch")
    return first, second


def fork(data, vector):
    check(len(data) <= 4096, "limitExceeded")
    source = Bytes(data)
    check(source.take(4) == b"KTF1", "unknownFormat")
    region = source.take(source.take(1)[0]).decode("latin-1")
    check(is_region(region), "outOfRange")
    feed = {"region": region, "epoch": source.take(8).hex()}
    check(region in LIST["keys"], "missingSignature")
    older, newer = [checkpoint(source.take(source.varint(1024)), feed) for _ in range(2)]
    other, path = None, []
    if older["size"] < newer["size"]:
        other = source.take(32)
        while source.data:
            path.append(source.take(32))
        check(len(path) <= 18, "limitExceeded")
        check(other.hex() != older["root"], "noContradiction")
        roots = follow(other, path, older["size"], newer["size"])
        check(roots == (other, bytes.fromhex(newer["root"])), "rootMismatch")
    else:
        check(not source.data, "trailingBytes")
        check(older["size"] == newer["size"] and older["root"] < newer["root"], "noContradiction")
    return {
        "feed": "%s/%s" % (region, feed["epoch"]),
        "older": older,
        "newer": newer,
        "other": other and other.hex(),
        "path": [one.hex() for one in path],
    }


# Rosters


class Lines:
    """Takes `name value` lines off the front."""

    def __init__(self, text):
        self.lines = [line for line in text.split("\n") if line]
        self.canonical = "\n\n" not in text and not text.startswith("\n")

    def optional(self, name):
        if self.lines and self.lines[0].startswith(name + " "):
            return self.lines.pop(0)[len(name) + 1 :]
        return None

    def value(self, name):
        value = self.optional(name)
        check(value is not None, "malformedNote")
        return value

    def line(self, name):
        value = self.value(name)
        check(1 <= len(value.encode()) <= 200, "malformedNote")
        return value

    def number(self, name):
        digits = self.value(name)
        check(re.fullmatch("0|[1-9][0-9]*", digits) and int(digits) < 2**63, "malformedNote")
        return int(digits)


def is_hash(text):
    raw = unbase64(text)
    return raw is not None and len(raw) == 32


def valid_from_until(lines, name, is_value):
    """The values of all lines of one name: two times and what `is_value` accepts."""
    values = []
    while (value := lines.optional(name)) is not None:
        match = re.fullmatch("([+-]?[0-9]+) ([+-]?[0-9]+) (.*)", value)
        check(match and -(2**63) <= int(match[1]) < int(match[2]) < 2**63 and is_value(match[3]), "malformedNote")
        lines.canonical &= f"{int(match[1])} {int(match[2])} {match[3]}" == value
        values.append(value)
    check(len(values) <= 8, "malformedNote")
    return values


def closures(lines):
    closed = []
    while (key := lines.optional("closed")) is not None:
        check(note_key(key), "malformedNote")
        closed.append({"key": key, "stands": []})
        last = ""
        while (value := lines.optional("stands")) is not None:
            match = re.fullmatch("([0-9a-f]{16}) ([1-9][0-9]{0,5}) (.*)", value)
            check(match and int(match[2]) <= 131072 and is_hash(match[3]) and last < match[1], "malformedNote")
            last = match[1]
            closed[-1]["stands"].append(value)
    check(len(closed) <= 8 and sum(len(one["stands"]) for one in closed) <= 32, "malformedNote")
    return closed


def roster_region(lines):
    region = {"region": lines.value("region")}
    region.update({name: lines.line(name) for name in ("vi", "en", "operator")})
    region["keys"] = valid_from_until(lines, "key", note_key)
    region["certificates"] = valid_from_until(lines, "certificate", is_hash)
    region["closed"] = closures(lines)
    region.update(public=lines.line("public"), peer=lines.line("peer"), successor=lines.optional("successor"))
    check(is_region(region["region"]) and (region["keys"] or region["successor"]), "malformedNote")
    check(region["successor"] is None or is_region(region["successor"]), "malformedNote")
    valid = {note_key(key.split(" ", 2)[2])[3] for key in region["keys"]}
    closed = [note_key(one["key"])[3] for one in region["closed"]]
    check(len(set(closed)) == len(closed) and not valid & set(closed), "malformedNote")
    return region


def roster(data, vector):
    text, signatures = read_note(data, 4194304)
    signers = set()
    for key in map(note_key, LIST["authorities"]):
        try:
            verify(key, text, signatures)
            signers.add(key[3])
        except Refused as error:
            check(str(error) == "missingSignature", "wrongSignature")
    check(len(signers) >= LIST["threshold"], "missingSignature")
    lines, regions = Lines(text), []
    check(lines.lines.pop(0) == "keytide/roster", "unknownFormat")
    version, previous, earlier = lines.number("version"), lines.value("previous"), []
    check(previous == "-" or is_hash(previous), "malformedNote")
    while (before := lines.optional("earlier")) is not None:
        check(is_hash(before), "malformedNote")
        earlier.append(unbase64(before).hex())
    issued, expires = lines.number("issued"), lines.number("expires")
    while lines.lines:
        regions.append(roster_region(lines))
        check(len(regions) == 1 or regions[-2]["region"] < regions[-1]["region"], "malformedNote")
    check(len(regions) <= 4096 and issued < expires, "malformedNote")
    check(version >= 1 and (version == 1) == (previous == "-"), "malformedNote")
    check(len(earlier) == min(max(version - 2, 0), 999), "malformedNote")
    retired = {region["region"]: region["successor"] for region in regions}
    check(all(retired.get(other, "") is None for other in retired.values() if other), "malformedNote")
    check(lines.canonical, "notCanonical")
    check(LIST["now"] < expires, "expired")
    return {
        "version": version,
        "previous": None if previous == "-" else unbase64(previous).hex(),
        "earlier": earlier,
        "issued": issued,
        "expires": expires,
        "hash": sha256(text.encode()).hex(),
        "regions": regions,
    }


# Merging


def overlap(one, other):
    """Whether two forms, each (rolling start, rolling period), have an interval in common."""
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


def rank(report):
    kind, start, period, risk, onset, published = report
    days = 0 if onset is None else onset + 8191
    return kind, published, kind << 58 | period << 50 | risk << 46 | days << 32 | start


def standing_forms(reports):
    state = {}
    for report in reports:
        form = report[1], report[2]
        state[form] = max(state.get(form, report), report, key=rank)
    return state


def merged(reports, successor):
    """What stands for one key's bytes: runs of (start, end, report type, transmission risk, days since onset)."""
    own, later = standing_forms(reports), standing_forms(successor)
    revised = {form: max(own[form], later.get(form, own[form]), key=rank) for form in own}
    revocations = [form for state in (revised, later) for form in state if state[form][0] == 5]
    stay = sorted(form for form in revised if not any(overlap(form, one) for one in revocations))
    runs = []
    for form in stay:
        if runs and form[0] < runs[-1]["end"]:
            runs[-1]["end"] = max(runs[-1]["end"], sum(form))
            runs[-1]["forms"].append(revised[form])
        else:
            runs.append({"start": form[0], "end": sum(form), "forms": [revised[form]]})
    result = []
    for run in runs:
        speaks = max(run["forms"], key=rank)
        result.append([run["start"], run["end"], speaks[0], speaks[3], speaks[4]])
    return result


def check_merging():
    cases = json.loads((FOLDER / "merging.json").read_text("utf-8"))["cases"]
    wrong = 0
    for case in cases:
        # The order makes no difference.
        for reports in (case["reports"], case["reports"][::-1]):
            stands = merged(reports, case.get("successor", []))
            if stands != case["stands"]:
                wrong += 1
                print(f"merging, {case['about']}: {stands}")
                break
    print(f"{len(cases)} cases of merging, {wrong} wrong")
    return wrong


FORMS = {
    "batch": batch,
    "checkpoint": checkpoint,
    "fork": fork,
    "frontier": frontier,
    "index": index,
    "range": range_body,
    "roster": roster,
    "settled": settled,
}


def main():
    wrong = 0
    for vector in LIST["vectors"]:
        try:
            data = (FOLDER / vector["file"]).read_bytes()
            result = {"content": FORMS[vector["file"].split("/")[0]](data, vector)}
        except Refused as error:
            result = {"error": str(error)}
        if any(result.get(name) != vector.get(name) for name in ("content", "error")):
            wrong += 1
            print(f"{vector['file']}: {result}")
    print(f"{len(LIST['vectors'])} vectors, {wrong} wrong")
    return wrong + check_merging() > 0


if __name__ == "__main__":
    raise SystemExit(main())
