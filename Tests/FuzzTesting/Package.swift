// swift-tools-version: 6.2
import PackageDescription

/// Folders of Sources/Targets, one fuzz target each, and the libraries that each one imports. Another decoder: a folder
/// with one file, its name here, and a line in Sources/Replay/ReplayTests.swift.
let targets: [(name: String, libraries: [String])] = [
    ("batch", ["ExposureKeys", "FeedFormat"]),
    ("checkpoint", ["ExposureKeys", "FeedFormat"]),
    ("difference", ["FeedFormat"]),
    ("encounters", ["ClientSync", "ExposureNotification"]),
    ("export", ["ExposureKeys", "ExposureNotification"]),
    ("fork", ["ExposureKeys", "FeedFormat"]),
    ("frontier", ["FeedFormat"]),
    ("http", ["HTTP2"]),
    ("http2client", ["HTTP2"]),
    ("index", ["ExposureKeys", "FeedFormat"]),
    ("link", ["FeedFormat", "Replication"]),
    ("note", ["FeedFormat"]),
    ("problem", ["HTTP2"]),
    ("range", ["FeedFormat"]),
    ("request", ["ExposureKeys", "FeedFormat"]),
    ("roster", ["ExposureKeys", "FeedFormat"]),
    ("settled", ["FeedFormat"]),
    ("state", ["ClientSync", "FeedFormat"]),
]

/// What a target that drives connections needs besides.
let transport: [Target.Dependency] = [
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
]

/// Build with `run`, which adds the sanitizers for this package and for what it depends on.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .define("FUZZING"),
    .unsafeFlags(["-parse-as-library"]),
]

let package = Package(
    name: "keytide-fuzzing",
    dependencies: [
        .package(name: "keytide", path: "../.."),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
    ],
    targets: [
        .target(name: "CLibFuzzer", path: "CLibFuzzer"),
        .target(
            name: "Support",
            dependencies: [
                "CLibFuzzer",
                .product(name: "FeedFormat", package: "keytide"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Sources/Support",
            swiftSettings: settings
        ),
    ]
        + targets.map { target in
            .executableTarget(
                name: "fuzz-\(target.name)",
                dependencies: ["Support"] + target.libraries.map { .product(name: $0, package: "keytide") }
                    + (target.libraries.contains("HTTP2") ? transport : []),
                path: "Sources/Targets/\(target.name)",
                swiftSettings: settings
            )
        }
)
