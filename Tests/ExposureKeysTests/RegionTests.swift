import ExposureKeys
import Testing

struct RegionTests {
    @Test(arguments: ["VN", "DE", "VN-01", "VN-01-001", "VN-HN", "A-1", "EUR", "ABCDEFGHIJKLMNOP", "VN-0123456789012"])
    func codesAreRead(code: String) throws {
        let region = try #require(Region(code))
        #expect(region.code == code && "\(region)" == code)
        #expect(Region(ascii: Array(code.utf8)) == region)
        #expect(Region(Substring(code)) == region)
        // Bytes that do not lie together.
        #expect(Region(ascii: Array(code.utf8.reversed()).reversed() as ReversedCollection) == region)
    }

    @Test(arguments: [
        "", "V", "-", "--", "VN-", "-VN", "VN--01", "VN-01-", "vn-01", "Vn", "V1", "1V", "01-VN", "VN 01", "VN_01",
        "VN/01",
        "../..", "VN\n", "VN\0", "VÑ", "ＶＮ", "ABCDEFGHIJKLMNOPQ", "VN-01.", "VN-é",
    ])
    func otherTextIsNotACode(code: String) {
        #expect(Region(code) == nil)
        #expect(Region(ascii: Array(code.utf8)) == nil)
        #expect(Region(ascii: Array(code.utf8.reversed()).reversed() as ReversedCollection) == nil)
    }

    @Test func bytesBeyondASCIIAreNotACode() {
        #expect(Region(ascii: [0x56, 0x4e, 0xff]) == nil)
        #expect(Region(ascii: [0xd6, 0xce]) == nil)
    }

    @Test func orderIsThatOfTheBytes() throws {
        let sorted = try ["VN-09", "VN", "DE", "VN-1", "VN-01-001", "VN-01", "VN-A"].map { try #require(Region($0)) }
            .sorted()
        #expect(sorted.map(\.code) == ["DE", "VN", "VN-01", "VN-01-001", "VN-09", "VN-1", "VN-A"])
    }
}
