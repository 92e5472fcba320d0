import ExposureKeys
import Foundation
import Testing

struct VietnamProvincesTests {
    private static let data = ProcessInfo.processInfo.environment["KEYTIDE_DATA"]

    @Test func numbersAndOrder() {
        for (list, count) in [(VietnamProvince.until2025, 63), (VietnamProvince.since2025, 34)] {
            #expect(list.count == count)
            #expect(zip(list, list.dropFirst()).allSatisfy { $0.region < $1.region })
            #expect(Set(list.map(\.vietnameseName)).count == count)
            #expect(Set(list.map(\.englishName)).count == count)
            #expect(list.allSatisfy { $0.englishName.utf8.allSatisfy { $0 < 0x80 } })
        }
    }

    @Test func everyOldProvinceHasASuccessor() {
        let new = VietnamProvince.since2025
        #expect(new.allSatisfy { $0.successor == $0.region })
        #expect(Set(VietnamProvince.until2025.map(\.successor)) == Set(new.map(\.region)))
        let kept = VietnamProvince.until2025.filter { $0.successor == $0.region }
        #expect(kept.map(\.region) == new.map(\.region))
        let sizes = new.map { province in VietnamProvince.until2025.count { $0.successor == province.region } }
        // Resolution 202/2025/QH15, article 1: 11 stay, 23 are made of two or three others.
        #expect(sizes.count { $0 == 1 } == 11 && sizes.count { $0 == 2 } == 17 && sizes.count { $0 == 3 } == 6)
    }

    /// Those whose code belonged to a province of another name.
    @Test func codesThatChangedTheirName() {
        let old = VietnamProvince.until2025.filter { $0.region == $0.successor }
        let renamed = zip(old, VietnamProvince.since2025).filter { $0.vietnameseName != $1.vietnameseName }
        let expected = [
            "VN-15 Yên Bái Lào Cai", "VN-24 Bắc Giang Bắc Ninh", "VN-44 Quảng Bình Quảng Trị",
            "VN-46 Thừa Thiên Huế Huế", "VN-52 Bình Định Gia Lai", "VN-80 Long An Tây Ninh",
            "VN-82 Tiền Giang Đồng Tháp", "VN-91 Kiên Giang An Giang",
        ]
        #expect(renamed.map { "\($0.region) \($0.vietnameseName) \($1.vietnameseName)" } == expected)
        // A name of the 34 is a name of one of the provinces that it is made of; Huế alone was Thừa Thiên Huế.
        for province in VietnamProvince.since2025 where province.vietnameseName != "Huế" {
            let parts = VietnamProvince.until2025.filter { $0.successor == province.region }
            #expect(parts.contains { $0.vietnameseName == province.vietnameseName })
        }
    }

    @Test(.enabled(if: data != nil, "KEYTIDE_DATA does not name the folder with the list of provinces"))
    func theListOf2021() throws {
        // It lies beside the folder of the exports.
        let folder = URL(filePath: try #require(VietnamProvincesTests.data))
        let name = "vietnam-provinces-2021.csv"
        let places = [folder, folder.deletingLastPathComponent()].map { $0.appending(path: name) }
        let text = places.compactMap { try? String(contentsOf: $0, encoding: .utf8) }.first
        let rows = try #require(text, "\(name) is not at \(folder) nor above")
            .split(whereSeparator: \.isNewline)
            .dropFirst().map { $0.split(separator: ",").map(String.init) }
        let listed = rows.map { ["VN-" + $0[0], $0[1].replacing("Hoà", with: "Hòa")] }
        #expect(listed == VietnamProvince.until2025.map { [$0.region.code, $0.vietnameseName] })
    }
}
