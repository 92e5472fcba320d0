import ExposureKeys
import Testing
import TestSupport

struct EpochTests {
    @Test func textSurvivesAndSortsAsTheValue() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<1000 {
            let one = Epoch(random.next() >> UInt64.random(in: 0...63, using: &random))
            let other = Epoch(random.next() >> UInt64.random(in: 0...63, using: &random))
            #expect(Epoch(hexadecimal: "\(one)") == one)
            #expect("\(one)".utf8.count == 16)
            #expect((one < other) == "\(one)".utf8.lexicographicallyPrecedes("\(other)".utf8))
        }
        #expect("\(Epoch(0))" == "0000000000000000" && "\(Epoch(.max))" == "ffffffffffffffff")
        #expect(Epoch(hexadecimal: "0123456789abcdef") == Epoch(0x0123_4567_89ab_cdef))
    }

    @Test(arguments: [
        "", "0", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0x23456789abcdef", " 123456789abcdef",
        "+123456789abcdef", "-123456789abcdef", "0123456789abcdeg", "0123456789abcde\u{301}", "０123456789abcde",
    ])
    func otherTextIsNotAnEpoch(text: String) {
        #expect(Epoch(hexadecimal: text) == nil)
    }

    @Test func itBeginsWithItsStart() {
        let epoch = Epoch(startUnixSeconds: 1_608_681_600, random: 0xdead_beef)
        #expect(epoch.startUnixSeconds == 1_608_681_600 && epoch.value & 0xffff_ffff == 0xdead_beef)
        #expect(epoch < Epoch(startUnixSeconds: 1_608_681_601, random: 0), "a later start sorts later")
        #expect(Epoch(startUnixSeconds: -5, random: 1) == Epoch(1))
        #expect(Epoch(startUnixSeconds: .max, random: 0).startUnixSeconds == Int64(UInt32.max))
    }
}
