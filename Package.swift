// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: one language mode, nothing implicit about imports, and a warning stops the build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "keytide",
    // For the phone's modules: docs/EMBEDDING.md.
    platforms: [.iOS(.v18), .macOS(.v15)],
    products: [
        .executable(name: "keytide", targets: ["keytide"]),
        .library(name: "ClientSync", targets: ["ClientSync"]),
        // The phone behind keytide.h, for apps that are not written in Swift.
        .library(name: "keytide-phone", type: .dynamic, targets: ["PhoneLibrary"]),
        // For Tests/FuzzTesting, a package of its own.
        .library(name: "ExposureKeys", targets: ["ExposureKeys"]),
        .library(name: "ExposureNotification", targets: ["ExposureNotification"]),
        .library(name: "FeedFormat", targets: ["FeedFormat"]),
        .library(name: "HTTP2", targets: ["HTTP2"]),
        .library(name: "Replication", targets: ["Replication"]),
    ],
    dependencies: [
        // Why each one is here: docs/ARCHITECTURE.md, "Dependencies".
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // No flags: functions name the instructions that they use, and the processor is asked when they run.
        .target(name: "CMatchKernel"),
        .target(name: "ExposureKeys", swiftSettings: strict),
        .target(name: "FeedFormat", dependencies: ["ExposureKeys", "CLZ4", crypto], swiftSettings: strict),
        .target(name: "Replication", dependencies: ["ExposureKeys", "FeedFormat"], swiftSettings: strict),
        .target(
            name: "ExposureNotification",
            dependencies: ["ExposureKeys", "CZlib", crypto, cryptoExtras],
            swiftSettings: strict
        ),
        .target(
            name: "ClientSync",
            dependencies: ["CMatchKernel", "ExposureKeys", "FeedFormat", "ExposureNotification"],
            swiftSettings: strict
        ),
        .target(name: "CKeytide"),
        .target(
            name: "PhoneLibrary",
            dependencies: ["CKeytide", "ExposureKeys", "FeedFormat", "ExposureNotification", "ClientSync", crypto],
            swiftSettings: strict + [.strictMemorySafety()]
        ),
        .target(
            name: "DeviceStore",
            dependencies: ["ExposureKeys", "FeedFormat", "ExposureNotification", "ClientSync", crypto, grdb],
            swiftSettings: strict
        ),
        .target(name: "FeedStore", dependencies: ["ExposureKeys", "FeedFormat", grdb], swiftSettings: strict),
        .target(
            name: "HTTP2",
            dependencies: ["CNghttp2", crypto, logging, nioCore, nioPosix, nioHTTP1, nioSSL, nioTLS],
            swiftSettings: strict
        ),
        .target(
            name: "RegionalNode",
            dependencies: [
                "ExposureKeys", "FeedFormat", "Replication", "ExposureNotification", "FeedStore", "HTTP2", crypto,
                logging, coreMetrics, nioCore, nioPosix, lifecycle, configuration,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "ClusterSimulation",
            dependencies: ["ExposureKeys", "FeedFormat", "Replication", "ClientSync"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "keytide",
            dependencies: [
                "CMalloc", "ExposureKeys", "FeedFormat", "Replication", "ExposureNotification", "ClientSync",
                "DeviceStore",
                "FeedStore", "HTTP2", "RegionalNode", "ClusterSimulation", crypto, nioCore, nioPosix, argumentParser,
                logging, lifecycle, signals, configuration, x509, asn1,
            ],
            swiftSettings: strict
        ),

        // Not a product either: what loadtest/bench builds and runs.
        .executableTarget(
            name: "Benches",
            dependencies: [
                "CMatchKernel", "ExposureKeys", "FeedFormat", "Replication", "ExposureNotification", "ClientSync",
                "FeedStore", "RegionalNode", "ClusterSimulation", "HTTP2", "CLZ4", crypto, grdb, argumentParser,
                logging, nioCore, nioPosix, nioSSL,
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            path: "loadtest/Benches",
            swiftSettings: strict
        ),

        .target(
            name: "TestSupport",
            dependencies: [crypto, x509, asn1],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .testTarget(
            name: "CMatchKernelTests",
            dependencies: ["CMatchKernel", "ExposureKeys", "ExposureNotification", "TestSupport"],
            exclude: ["arm-check", "sanitizer-check", "driver"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ExposureKeysTests",
            dependencies: ["ExposureKeys", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FeedFormatTests",
            dependencies: ["ExposureKeys", "FeedFormat", crypto, "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ReplicationTests",
            dependencies: ["ExposureKeys", "FeedFormat", "Replication", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ExposureNotificationTests",
            dependencies: ["ExposureNotification", "ExposureKeys", crypto, "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClientSyncTests",
            dependencies: ["ExposureKeys", "FeedFormat", "ExposureNotification", "ClientSync", "TestSupport"],
            swiftSettings: strict
        ),
        // Not a product: the phone as an app in C has it, a child process for the tests of the header.
        .executableTarget(
            name: "PhoneExerciser",
            dependencies: ["CKeytide", "PhoneLibrary"],
            path: "Tests/PhoneExerciser"
        ),
        .testTarget(
            name: "PhoneLibraryTests",
            dependencies: [
                "CKeytide", "ExposureKeys", "FeedFormat", "ExposureNotification", "ClientSync", "PhoneExerciser",
                "TestSupport",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "DeviceStoreTests",
            dependencies: [
                "ExposureKeys", "FeedFormat", "ExposureNotification", "ClientSync", "DeviceStore", "TestSupport",
            ],
            swiftSettings: strict
        ),
        // Not a product: a child process for the store's tests to trace, starve and kill.
        .executableTarget(
            name: "FeedStoreExerciser",
            dependencies: ["ExposureKeys", "FeedFormat", "FeedStore", grdb, "TestSupport"],
            path: "Tests/FeedStoreExerciser",
            swiftSettings: strict
        ),
        .testTarget(
            name: "FeedStoreTests",
            dependencies: ["ExposureKeys", "FeedFormat", "FeedStore", "FeedStoreExerciser", grdb],
            swiftSettings: strict
        ),
        .testTarget(
            name: "HTTP2Tests",
            dependencies: ["HTTP2", logging, nioCore, nioPosix, nioSSL, "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FuzzTesting",
            dependencies: [
                "ExposureKeys", "FeedFormat", "Replication", "ExposureNotification", "ClientSync", "HTTP2",
                "TestSupport", crypto, logging, nioCore, nioEmbedded,
            ],
            path: "Tests/FuzzTesting/Sources",
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClusterSimulationTests",
            dependencies: ["ClusterSimulation", "ExposureKeys", "FeedFormat", "Replication", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(name: "LoadtestTests", dependencies: ["Benches", "keytide"], swiftSettings: strict),
        .testTarget(
            name: "RegionalNodeTests",
            dependencies: [
                "ExposureKeys", "FeedFormat", "FeedStore", "Replication", "ExposureNotification", "HTTP2",
                "RegionalNode", logging, coreMetrics, nioCore, nioPosix, lifecycle, configuration, grdb, "TestSupport",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "keytide", "ExposureKeys", "FeedFormat", "ExposureNotification", "ClientSync", "FeedStore", "HTTP2",
                "RegionalNode", "Replication", logging, nioCore, nioPosix, "TestSupport",
            ],
            swiftSettings: strict
        ),
    ]
)

// KEYTIDE_TESTS=HTTP2Tests,RegionalNodeTests leaves the other test targets out, so that a change is tried sooner.
if let names = Context.environment["KEYTIDE_TESTS"]?.split(separator: ",").map(String.init), names != ["all"] {
    package.targets.removeAll { $0.type == .test && !names.contains($0.name) }
}
