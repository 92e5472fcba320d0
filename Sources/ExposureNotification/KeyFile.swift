/// A key file's form, told by what is in it.
enum KeyFile {
    case der([UInt8])
    /// One block of PEM in the form of RFC 7468, whatever stood around it.
    case pem(String)
    /// Neither, or several keys.
    case none

    struct Failure: Error {}

    /// P-256 keys take up to 250 bytes in any of these forms, and text around them little more.
    private static let limit = 4096

    /// - Parameter label: of the block that is looked for among others, and which a bare base64 is; nil to take a text as
    ///   it is.
    init(_ bytes: [UInt8], label: String?) {
        guard bytes.count <= KeyFile.limit else {
            self = .none
            return
        }
        if bytes.first == 0x30 {
            self = .der(bytes)
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let label else {
            self = .pem(text)
            return
        }
        let begin = "-----BEGIN \(label)-----"
        let blocks = KeyFile.count(begin, in: text)
        if blocks == 1, let content = KeyFile.content(of: text, from: begin, to: "-----END \(label)-----") {
            self = .pem(KeyFile.block(content, label))
        } else if blocks == 0, let content = KeyFile.base64(text[...]) {
            self = .pem(KeyFile.block(content, label))
        } else {
            self = .none
        }
    }

    /// What an operator reads of a file that holds no public key of P-256.
    static func fault(in bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(limit), as: UTF8.self)
        let what = "\(bytes.count) bytes are no P-256 public key in DER or PEM"
        if bytes.count > limit { return "\(what): they are far too many; check the file" }
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            return "\(what): the file is text in UTF-16; save it as UTF-8"
        }
        if text.contains("PRIVATE KEY-----") { return "\(what): the file holds a private key; give the public one" }
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return "\(what): the file holds a certificate; its public key is given by 'openssl x509 -pubkey -noout'"
        }
        if count("-----BEGIN PUBLIC KEY-----", in: text) > 1 {
            return "\(what): the file holds several keys; give a file with the publisher's alone"
        }
        return "\(what); check the file: Exposure Notification uses curve P-256 only"
    }

    private static func count(_ part: String, in text: String) -> Int { text.ranges(of: part).count }

    private static func content(of text: String, from begin: String, to end: String) -> Substring? {
        guard let start = text.firstRange(of: begin), let stop = text[start.upperBound...].firstRange(of: end) else {
            return nil
        }
        return base64(text[start.upperBound..<stop.lowerBound])
    }

    /// The digits of a base64 without blanks, ends of line and marks; nil if anything else is among them.
    private static func base64(_ text: Substring) -> Substring? {
        var digits = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "A"..."Z", "a"..."z", "0"..."9", "+", "/", "=": digits.unicodeScalars.append(scalar)
            case " ", "\t", "\r", "\n", "\u{feff}": continue
            default: return nil
            }
        }
        return digits.isEmpty ? nil : digits[...]
    }

    private static func block(_ base64: Substring, _ label: String) -> String {
        var lines = ["-----BEGIN \(label)-----"]
        var rest = base64
        while !rest.isEmpty {
            lines.append(String(rest.prefix(64)))
            rest = rest.dropFirst(64)
        }
        return (lines + ["-----END \(label)-----", ""]).joined(separator: "\n")
    }
}
