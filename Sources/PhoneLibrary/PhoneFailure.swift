internal import CKeytide
internal import ClientSync
internal import FeedFormat

/// Why a call did not do what it was to do: a code for the app, and what happened and what to do.
struct PhoneFailure: Error {
    let code: keytide_code
    let message: String

    init(_ code: keytide_code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: any Error) {
        switch error {
        case let error as PhoneFailure: self = error
        case let error as SyncError: self.init(PhoneFailure.code(of: error), error.reason)
        case is CancellationError: self.init(KEYTIDE_CANCELLED, "the sync was cancelled; what was verified is kept")
        case let error as FormatError: self.init(KEYTIDE_BAD_STATE, error.reason)
        default: self.init(KEYTIDE_FAILED, "it failed: \(type(of: error)); try again")
        }
    }

    private static func code(of error: SyncError) -> keytide_code {
        switch error.code {
        case .noAnswer: KEYTIDE_NO_ANSWER
        case .limitReached, .tooManyEpochs: KEYTIDE_TOO_MANY
        case .cursorMoved: KEYTIDE_FAILED
        default: KEYTIDE_BAD_NODE
        }
    }

    static func null(_ name: String) -> PhoneFailure {
        PhoneFailure(KEYTIDE_NULL_ARGUMENT, "\(name) is NULL; give one")
    }
}
