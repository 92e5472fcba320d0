import FeedFormat
import Testing

struct FormatErrorTests {
    @Test func equalityIsThatOfTheCode() {
        #expect(FormatError(.truncated, "here") == FormatError(.truncated, "there"))
        #expect(FormatError(.truncated, "here") != FormatError(.expired, "here"))
        #expect(FormatError(.truncated, "here").description == "truncated: here")
    }
}
