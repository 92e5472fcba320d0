import Foundation
import GRDB
import GRDBSQLite

extension StoreError {
    /// An error of SQLite, in the words of an operator.
    /// - Parameters:
    ///   - systemError: `errno` as SQLite kept it; 0 if there is none.
    ///   - action: what was being done, as in "appending 3 batches".
    ///   - path: of the database.
    init(_ error: DatabaseError, systemError: Int32, action: String, path: String) {
        let code = Code(error, systemError: systemError)
        var reason = "\(action) in \(path) failed"
        if systemError != 0 { reason += " with '\(StoreError.text(systemError))'" }
        self.init(code, "\(reason); \(code.advice(path))", cause: error)
    }

    /// A contradiction found in a file.
    static func corrupt(_ finding: String, path: String) -> StoreError {
        StoreError(.corrupt, "\(path): \(finding); \(Code.corrupt.advice(path))")
    }

    /// A batch whose bytes are not those that were stored.
    static func damaged(_ finding: String, path: String) -> StoreError {
        StoreError(.damaged, "\(path): \(finding); \(Code.damaged.advice(path))")
    }

    static func cannotOpen(_ reason: String) -> StoreError {
        StoreError(.cannotOpen, reason)
    }

    /// The system's words for an error number.
    static func text(_ number: Int32) -> String {
        String(cString: strerror(number))
    }
}

extension StoreError.Code {
    init(_ error: DatabaseError, systemError: Int32) {
        switch error.resultCode {
        case .SQLITE_FULL:
            self = .full
        // The tables' constraints repeat what AppendRules has checked before: only a damaged file violates them.
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT:
            self = .corrupt
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .inUse
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
            self = .cannotOpen
        case .SQLITE_TOOBIG:
            self = .limitExceeded
        case .SQLITE_IOERR:
            if error.extendedResultCode == .SQLITE_IOERR_CORRUPTFS {
                self = .corrupt
            } else {
                self = [ENOSPC, EDQUOT, EFBIG].contains(systemError) ? .full : .io
            }
        default:
            self = .io
        }
    }

    /// What the operator of a node can do about it.
    func advice(_ path: String) -> String {
        switch self {
        case .full:
            "free space on its disk or raise the limit that applies; nothing was kept of this call, and the node goes "
                + "on by itself once there is room"
        case .corrupt:
            "stop the node, check the disk, move \(path) and \(path)-wal aside and start again: the node then fetches "
                + "from its neighbours what they hold and publishes in a new epoch"
        case .damaged:
            "it is not served, and fetched again from the neighbours; check the disk"
        case .inUse:
            "end the other program that has it open"
        case .cannotOpen:
            "check that the directory exists and that this user may read and write there"
        case .limitExceeded:
            "a value is larger than the store accepts"
        default:
            "check the disk and the system's log; nothing was kept of this call"
        }
    }
}

extension Database {
    /// The system's error number behind an input or output error that has just happened, 0 if SQLite kept none.
    ///
    /// `sqlite3_system_errno` is not set when it is a commit that fails, so the files are asked: the log, which
    /// commits write, then the database.
    var systemError: Int32 {
        for file in [SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER] {
            var pointer: UnsafeMutablePointer<sqlite3_file>?
            guard sqlite3_file_control(sqliteConnection, "main", file, &pointer) == SQLITE_OK, let pointer,
                let control = pointer.pointee.pMethods?.pointee.xFileControl
            else { continue }
            var number: Int32 = 0
            if control(pointer, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK, number != 0 { return number }
        }
        return sqlite3_system_errno(sqliteConnection)
    }
}
