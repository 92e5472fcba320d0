// swift-tools-version: 6.2
import PackageDescription

/// Folders of Sources/Targets, one fuzz target each. Another decoder: a folder with one file, its name here, and a line in
/// Sources/Replay/ReplayTests.swift.
let names = ["batch", "checkpoint", "frontier", "index", "range", "roster", "settled"]

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
    ],
    targets: [
        .target(name: "CLibFuzzer", path: "CLibFuzzer"),
        .target(
            name: "Support",
            dependencies: [
                "CLibFuzzer",
                .product(name: "ExposureKeys", package: "keytide"),
                .product(name: "FeedFormat", package: "keytide"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "Sources/Support",
            swiftSettings: settings
        ),
    ]
        + names.map { name in
            .executableTarget(
                name: "fuzz-\(name)",
                dependencies: [
                    "Support",
                    .product(name: "ExposureKeys", package: "keytide"),
                    .product(name: "FeedFormat", package: "keytide"),
                ],
                path: "Sources/Targets/\(name)",
                swiftSettings: settings
            )
        }
)
