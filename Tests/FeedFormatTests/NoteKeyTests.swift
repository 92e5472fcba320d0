import FeedFormat
import Testing

struct NoteKeyTests {
    private func note(_ text: String) throws -> SignedNote { try SignedNote(Array(text.utf8)[...], limit: 1024) }

    /// The example in the documentation of golang.org/x/mod/sumdb/note.
    private static let published = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """

    @Test func verifiesThePublishedNote() throws {
        let key = try #require(NoteVerifier("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"))
        #expect(key.algorithm == .ed25519)
        #expect(try key.verify(try note(NoteKeyTests.published)) == nil)
        let altered = NoteKeyTests.published.replacing("answer", with: "Answer")
        #expect(throws: FormatError.with(.wrongSignature)) { try key.verify(try note(altered)) }
    }

    /// Made with the Python package cryptography: seed 00 01 … 1f, text "…", time 1602000000.
    @Test func verifiesAndMakesSignaturesOfAnotherImplementation() throws {
        let text = "keytide/VN-01/5f8a0b1c01020304\n42\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
        let plain = "LQPcOmCR/CYLec6u8wFJ+etCgbxqjn1GWkrX3dimTfFGfVQDwFhXawQ3m/TNMlD3Jj3ysG3ua0TMXpPJr5huoR7t+As="
        let timed =
            "NfbHagAAAABffJSAfgh+hGt0NyeJLW163aY4EXKdDuQWCX4KaGDB/c+X5jgoUle22y5+U88guG3bssC7+GMYgYUlGT3Tckyf79DQAA=="
        for (algorithm, key, signature, time) in [
            (
                NoteVerifier.Algorithm.ed25519, "keytide/VN-01+2d03dc3a+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
                plain, nil
            ),
            (.cosignature, "keytide/VN-01+35f6c76a+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", timed, 1_602_000_000),
        ] as [(NoteVerifier.Algorithm, String, String, Int64?)] {
            let verifier = try #require(NoteVerifier(key))
            #expect(verifier.algorithm == algorithm)
            #expect(verifier.text == key)
            #expect(try verifier.verify(try note("\(text)\n— keytide/VN-01 \(signature)\n")) == time)
            let signer = try #require(NoteSigner(name: "keytide/VN-01", algorithm: algorithm, seed: Array(0..<32)))
            #expect(signer.verifier == verifier)
            let own = SignedNote.bytes(text: text, signatures: [try signer.sign(text, time: 1_602_000_000)])
            #expect(try verifier.verify(try SignedNote(own[...], limit: 1024)) == time)
        }
    }

    /// Swift joins these to the plus sign before or behind them.
    @Test func namesWithMarksAtTheirEndsComeBack() throws {
        for name in ["\u{301}x", "x\u{600}", "x\u{301}"] {
            let signer = try #require(NoteSigner(name: name, algorithm: .ed25519, seed: Array(0..<32)))
            #expect(NoteVerifier(signer.verifier.text) == signer.verifier)
            #expect(NoteSigner(signer.text)?.verifier == signer.verifier)
        }
    }

    @Test func everyAlteredBitOfASignatureCounts() throws {
        let signer = try Samples.signer()
        let text = "text\n"
        let signature = try signer.sign(text, time: Samples.time)
        for bit in 0..<signature.body.count * 8 {
            var body = signature.body
            body[bit / 8] ^= 1 << UInt8(bit % 8)
            let raw = Base64.encode(
                (0..<4).map { UInt8(truncatingIfNeeded: signature.keyID >> UInt32(24 - 8 * $0)) } + body
            )
            #expect(throws: FormatError.with(.wrongSignature)) {
                try signer.verifier.verify(try note("\(text)\n— \(signature.name) \(raw)\n"))
            }
        }
    }

    @Test func signaturesOfTheWrongLength() throws {
        let signer = try Samples.signer()
        let signature = try signer.sign("text\n", time: Samples.time)
        let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.keyID >> UInt32(24 - 8 * $0)) }
        for body in [Array(signature.body.dropLast()), signature.body + [0], Array(signature.body.dropFirst(8))] {
            let line = "— \(signature.name) \(Base64.encode(id + body))"
            #expect(throws: FormatError.with(.wrongSignature)) {
                try signer.verifier.verify(try note("text\n\n\(line)\n"))
            }
        }
    }

    @Test func anotherNameOrKeyIsMissing() throws {
        let signer = try Samples.signer()
        let bytes = SignedNote.bytes(text: "text\n", signatures: [try signer.sign("text\n", time: Samples.time)])
        let signed = try SignedNote(bytes[...], limit: 1024)
        #expect(try signer.verifier.verify(signed) == Samples.time)
        let others = [try Samples.signer("VN-02"), try Samples.signer(seed: 2)]
        for other in others {
            #expect(throws: FormatError.with(.missingSignature)) { try other.verifier.verify(signed) }
        }
    }

    @Test(
        arguments: [
            "", "PeterNeumann", "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAA==",
            "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW ",
        ]
    )
    func malformedKeys(_ text: String) {
        #expect(NoteVerifier(text) == nil)
    }

    @Test func keysNeedTheirSizesAndNames() {
        let name = String(repeating: "n", count: 64)
        #expect(NoteVerifier(name: name, algorithm: .ed25519, publicKey: [UInt8](repeating: 0, count: 32)) != nil)
        #expect(NoteVerifier(name: name + "n", algorithm: .ed25519, publicKey: [UInt8](repeating: 0, count: 32)) == nil)
        #expect(NoteVerifier(name: "", algorithm: .ed25519, publicKey: [UInt8](repeating: 0, count: 32)) == nil)
        #expect(NoteVerifier(name: "a b", algorithm: .ed25519, publicKey: [UInt8](repeating: 0, count: 32)) == nil)
        #expect(NoteVerifier(name: name, algorithm: .ed25519, publicKey: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(NoteSigner(name: name, algorithm: .ed25519, seed: [1, 2, 3]) == nil)
        #expect(NoteSigner(name: "a+b", algorithm: .ed25519, seed: [UInt8](repeating: 1, count: 32)) == nil)
    }
}
