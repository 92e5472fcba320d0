import FeedFormat
import Foundation

/// A roster's file on its way to being complete: its text, and the signatures that it has so far.
struct RosterDocument {
    let roster: Roster
    private(set) var signatures: [SignedNote.Signature]

    init(_ roster: Roster) {
        self.roster = roster
        signatures = []
    }

    /// Reads a draft, with or without signatures; checks none of them.
    init(path: String) throws {
        let bytes = [UInt8](try Files.read(path))
        do {
            if let note = try? SignedNote(bytes[...], limit: FormatLimits.rosterBytes) {
                roster = try Roster(unsigned: note.text)
                signatures = note.signatures
            } else {
                guard bytes.count <= FormatLimits.rosterBytes, bytes.suffix(2) == [0x0a, 0x0a],
                    let text = String(validating: bytes.dropLast(), as: UTF8.self)
                else {
                    throw CommandError("\(path) is neither a roster nor a draft of one\(RosterDocument.hint(bytes))")
                }
                roster = try Roster(unsigned: text)
                signatures = []
            }
        } catch let error as FormatError {
            throw CommandError("\(path) is neither a roster nor a draft of one: \(error)\(RosterDocument.hint(bytes))")
        }
    }

    /// What is signed must not be changed, so it is said what has changed it.
    private static func hint(_ bytes: [UInt8]) -> String {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return ": an editor has put a mark before it; get the file anew" }
        return bytes.contains(0x0d)
            ? ": its ends of line were changed on the way; get the file anew, as an attachment" : ""
    }

    var bytes: [UInt8] { SignedNote.bytes(text: roster.text, signatures: signatures) }

    /// The authorities that have signed, each once.
    /// - Throws: `CommandError` if a signature of one of them does not fit.
    func signers(among authorities: RosterAuthorities) throws -> [NoteVerifier] {
        guard !signatures.isEmpty else { return [] }
        let note = try SignedNote(bytes[...], limit: FormatLimits.rosterBytes)
        return try authorities.verifiers.filter { authority in
            do throws(FormatError) {
                _ = try authority.verify(note)
                return true
            } catch {
                guard error.code == .missingSignature else {
                    throw CommandError("the signature of \(authority.name) does not fit this roster: get the file anew")
                }
                return false
            }
        }
    }

    mutating func sign(by signer: NoteSigner) throws {
        signatures.append(try signer.sign(roster.text, time: roster.issued))
    }
}

extension RosterAuthorities {
    /// The authorities in a file.
    init(path: String) throws {
        do {
            try self.init(text: Files.text(path))
        } catch let error as FormatError {
            throw CommandError("\(path) does not say who may sign the roster: \(error)")
        }
    }
}

extension SignedRoster {
    /// A complete roster in a file.
    init(path: String, authorities: RosterAuthorities) throws {
        if let document = try? RosterDocument(path: path), document.signatures.isEmpty {
            throw CommandError(
                "\(path) is a draft that nobody has signed; \(authorities.threshold) authorities sign it with 'keytide roster sign'"
            )
        }
        do {
            try self.init([UInt8](try Files.read(path)), authorities: authorities)
        } catch let error as FormatError {
            throw CommandError("\(path) is no valid roster: \(error)")
        }
    }
}
