internal import CKeytide
internal import ClientSync

/// What a `keytide_response *` points to: an answer that a callback fills, on one thread, while the callback runs.
final class ResponseBuilder {
    private let limit: Int
    private var status: Int?
    private var etag: String?
    private var body: [UInt8] = []
    private var isTooLarge = false

    init(limit: Int) {
        self.limit = limit
    }

    func respond(status: Int, etag: String?) -> keytide_code {
        guard ResponseBuilder.statuses.contains(status) else { return KEYTIDE_OUT_OF_RANGE }
        self.status = status
        self.etag = etag.flatMap { $0.utf8.count <= ResponseBuilder.etagBytes ? $0 : nil }
        return KEYTIDE_OK
    }

    func append(_ bytes: UnsafeRawBufferPointer) -> keytide_code {
        guard bytes.count <= limit - body.count else {
            isTooLarge = true
            return KEYTIDE_TOO_MANY
        }
        unsafe body.append(contentsOf: bytes)
        return KEYTIDE_OK
    }

    var answer: PhoneAnswer {
        guard let status else { return .none }
        if isTooLarge, status == 200 { return .tooLarge }
        return .response(TransportResponse(status: status, etag: etag, body: body))
    }

    private static let statuses = 100...599
    private static let etagBytes = 200
}
