internal import Foundation

/// What an answer that is no success tells an operator: title and detail of the problem document that is its body (RFC
/// 9457, 3.1). Whoever answers chose these texts: they are short, on one line and printable by the time they are read.
public enum ProblemMessage {
    /// Bytes of a body that is looked at; a larger one is no problem document.
    public static let documentBytes = 65_536
    /// Code points of a message, before `PrintableText` spells any of them out; the rest is left out.
    public static let codePoints = 2000

    /// - Returns: nil if the body is no JSON object with a title or a detail.
    public static func text(of body: some Collection<UInt8>) -> String? {
        guard body.count <= documentBytes,
            let members = try? JSONDecoder().decode(Members.self, from: Data(body))
        else { return nil }
        let text = [members.title, members.detail].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
        guard !text.isEmpty else { return nil }
        let scalars = text.unicodeScalars
        let short = scalars.count <= codePoints ? text : String(scalars.prefix(codePoints)) + "…"
        return PrintableText.spelled(short, keepingLines: false)
    }

    /// Both may be missing, and one that is no string counts as missing (RFC 9457, 3.1).
    private struct Members: Decodable {
        let title: String?
        let detail: String?

        private enum Key: CodingKey { case title, detail }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            title = try? members.decode(String.self, forKey: .title)
            detail = try? members.decode(String.self, forKey: .detail)
        }
    }
}
