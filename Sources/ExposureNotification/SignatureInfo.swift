/// Which key signed an export, as the export and its signature file name it. Only labels: what a signature is worth is
/// decided by the `ExportVerificationKey` that the reader holds.
///
/// Source: `SignatureInfo` of the export format. Absent fields are empty.
public struct SignatureInfo: Hashable, Sendable {
    public var appBundleID: String
    public var androidPackage: String
    /// For example `v1`.
    public var verificationKeyVersion: String
    /// By convention a mobile country code, for example `452` for Vietnam.
    public var verificationKeyID: String
    /// An object identifier, for example `1.2.840.10045.4.3.2` for ECDSA with SHA-256.
    public var signatureAlgorithm: String

    public init(
        appBundleID: String = "",
        androidPackage: String = "",
        verificationKeyVersion: String = "",
        verificationKeyID: String = "",
        signatureAlgorithm: String = SignatureInfo.ecdsaWithSHA256
    ) {
        self.appBundleID = appBundleID
        self.androidPackage = androidPackage
        self.verificationKeyVersion = verificationKeyVersion
        self.verificationKeyID = verificationKeyID
        self.signatureAlgorithm = signatureAlgorithm
    }

    public static let ecdsaWithSHA256 = "1.2.840.10045.4.3.2"
}

extension SignatureInfo {
    private enum Field {
        static let appBundleID: UInt32 = 1
        static let androidPackage: UInt32 = 2
        static let verificationKeyVersion: UInt32 = 3
        static let verificationKeyID: UInt32 = 4
        static let signatureAlgorithm: UInt32 = 5
    }

    init(in bytes: [UInt8], at range: Range<Int>) throws(ExportError) {
        self.init(signatureAlgorithm: "")
        var message = MessageReader(bytes, in: range)
        while let field = try message.next() {
            guard case .bytes(let text) = field.value else { continue }
            switch field.number {
            case Field.appBundleID: appBundleID = try message.text(at: text)
            case Field.androidPackage: androidPackage = try message.text(at: text)
            case Field.verificationKeyVersion: verificationKeyVersion = try message.text(at: text)
            case Field.verificationKeyID: verificationKeyID = try message.text(at: text)
            case Field.signatureAlgorithm: signatureAlgorithm = try message.text(at: text)
            default: break
            }
        }
    }

    var labels: [String] {
        [appBundleID, androidPackage, verificationKeyVersion, verificationKeyID, signatureAlgorithm]
    }

    var encoded: [UInt8] {
        var message = MessageWriter()
        message.string(appBundleID, field: Field.appBundleID)
        message.string(androidPackage, field: Field.androidPackage)
        message.string(verificationKeyVersion, field: Field.verificationKeyVersion)
        message.string(verificationKeyID, field: Field.verificationKeyID)
        message.string(signatureAlgorithm, field: Field.signatureAlgorithm)
        return message.bytes
    }
}
