/// Where nodes are and how long messages take between them, in whole milliseconds.
public enum Geography: String, CaseIterable, Sendable {
    /// The 63 capitals of Vietnam's provinces as of 2021, one node each (beyond 63 they begin again): a round trip takes
    /// 2 ms and 1 ms more per 60 km.
    case vietnam
    /// 19 places of the world, drawn by weight: 4 ms and 1 ms more per 75 km, 1 ms inside a place.
    case world

    /// The places of a number of nodes.
    func places(_ count: Int, random: inout SeededRandom) -> [Place] {
        switch self {
        case .vietnam:
            // Drawn without repetition, so that few nodes do not all stand in the north.
            var rest: [Int] = []
            return (0..<count).map { _ in
                if rest.isEmpty { rest = Array(Geography.capitals.indices) }
                return Geography.capitals[rest.remove(at: random.below(rest.count))]
            }
        case .world:
            let total = Geography.worldPlaces.reduce(0) { $0 + $1.weight }
            return (0..<count).map { _ in
                var drawn = Int64(random.below(Int(total)))
                return Geography.worldPlaces.first { place in
                    drawn -= place.weight
                    return drawn < 0
                } ?? Geography.worldPlaces[0]
            }
        }
    }

    /// Milliseconds there and back.
    package func roundTrip(_ left: Place, _ right: Place) -> Int64 {
        switch self {
        case .vietnam: 2 + left.kilometres(to: right) / 60
        case .world: left.name == right.name ? 1 : 4 + left.kilometres(to: right) / 75
        }
    }

    package static let worldPlaces: [Place] = [
        Place(name: "ams", latitude: 5231, longitude: 476, weight: 274),
        Place(name: "arn", latitude: 5965, longitude: 1792, weight: 20),
        Place(name: "bom", latitude: 1909, longitude: 7287, weight: 33),
        Place(name: "cdg", latitude: 4901, longitude: 255, weight: 175),
        Place(name: "dfw", latitude: 3290, longitude: -9704, weight: 528),
        Place(name: "ewr", latitude: 4069, longitude: -7417, weight: 245),
        Place(name: "fra", latitude: 5003, longitude: 857, weight: 347),
        Place(name: "gru", latitude: -2343, longitude: -4647, weight: 111),
        Place(name: "iad", latitude: 3894, longitude: -7746, weight: 442),
        Place(name: "jnb", latitude: -2614, longitude: 2825, weight: 16),
        Place(name: "lax", latitude: 3394, longitude: -11841, weight: 306),
        Place(name: "lhr", latitude: 5147, longitude: -45, weight: 74),
        Place(name: "nrt", latitude: 3577, longitude: 14039, weight: 76),
        Place(name: "ord", latitude: 4197, longitude: -8791, weight: 559),
        Place(name: "qmx", latitude: 1943, longitude: -9913, weight: 42),
        Place(name: "sin", latitude: 136, longitude: 10399, weight: 209),
        Place(name: "sjc", latitude: 3736, longitude: -12193, weight: 682),
        Place(name: "syd", latitude: -3395, longitude: 15118, weight: 200),
        Place(name: "yyz", latitude: 4368, longitude: -7963, weight: 114),
    ]

    package static let capitals: [Place] = [
        Place(name: "Hà Nội", latitude: 2103, longitude: 10585, weight: 1),
        Place(name: "Hà Giang", latitude: 2282, longitude: 10498, weight: 1),
        Place(name: "Cao Bằng", latitude: 2267, longitude: 10626, weight: 1),
        Place(name: "Bắc Kạn", latitude: 2215, longitude: 10583, weight: 1),
        Place(name: "Tuyên Quang", latitude: 2182, longitude: 10521, weight: 1),
        Place(name: "Lào Cai", latitude: 2249, longitude: 10397, weight: 1),
        Place(name: "Điện Biên", latitude: 2139, longitude: 10302, weight: 1),
        Place(name: "Lai Châu", latitude: 2240, longitude: 10346, weight: 1),
        Place(name: "Sơn La", latitude: 2133, longitude: 10391, weight: 1),
        Place(name: "Yên Bái", latitude: 2172, longitude: 10491, weight: 1),
        Place(name: "Hòa Bình", latitude: 2082, longitude: 10534, weight: 1),
        Place(name: "Thái Nguyên", latitude: 2159, longitude: 10585, weight: 1),
        Place(name: "Lạng Sơn", latitude: 2185, longitude: 10676, weight: 1),
        Place(name: "Hạ Long", latitude: 2095, longitude: 10708, weight: 1),
        Place(name: "Bắc Giang", latitude: 2127, longitude: 10619, weight: 1),
        Place(name: "Việt Trì", latitude: 2132, longitude: 10540, weight: 1),
        Place(name: "Vĩnh Yên", latitude: 2131, longitude: 10560, weight: 1),
        Place(name: "Bắc Ninh", latitude: 2119, longitude: 10608, weight: 1),
        Place(name: "Hải Dương", latitude: 2094, longitude: 10633, weight: 1),
        Place(name: "Hải Phòng", latitude: 2086, longitude: 10668, weight: 1),
        Place(name: "Hưng Yên", latitude: 2065, longitude: 10605, weight: 1),
        Place(name: "Thái Bình", latitude: 2045, longitude: 10634, weight: 1),
        Place(name: "Phủ Lý", latitude: 2055, longitude: 10591, weight: 1),
        Place(name: "Nam Định", latitude: 2043, longitude: 10617, weight: 1),
        Place(name: "Ninh Bình", latitude: 2025, longitude: 10597, weight: 1),
        Place(name: "Thanh Hóa", latitude: 1981, longitude: 10578, weight: 1),
        Place(name: "Vinh", latitude: 1867, longitude: 10569, weight: 1),
        Place(name: "Hà Tĩnh", latitude: 1834, longitude: 10591, weight: 1),
        Place(name: "Đồng Hới", latitude: 1747, longitude: 10662, weight: 1),
        Place(name: "Đông Hà", latitude: 1682, longitude: 10710, weight: 1),
        Place(name: "Huế", latitude: 1646, longitude: 10759, weight: 1),
        Place(name: "Đà Nẵng", latitude: 1607, longitude: 10822, weight: 1),
        Place(name: "Tam Kỳ", latitude: 1557, longitude: 10847, weight: 1),
        Place(name: "Quảng Ngãi", latitude: 1512, longitude: 10880, weight: 1),
        Place(name: "Quy Nhơn", latitude: 1378, longitude: 10922, weight: 1),
        Place(name: "Tuy Hòa", latitude: 1309, longitude: 10932, weight: 1),
        Place(name: "Nha Trang", latitude: 1224, longitude: 10919, weight: 1),
        Place(name: "Phan Rang", latitude: 1157, longitude: 10899, weight: 1),
        Place(name: "Phan Thiết", latitude: 1093, longitude: 10810, weight: 1),
        Place(name: "Kon Tum", latitude: 1435, longitude: 10800, weight: 1),
        Place(name: "Pleiku", latitude: 1398, longitude: 10800, weight: 1),
        Place(name: "Buôn Ma Thuột", latitude: 1267, longitude: 10804, weight: 1),
        Place(name: "Gia Nghĩa", latitude: 1200, longitude: 10769, weight: 1),
        Place(name: "Đà Lạt", latitude: 1194, longitude: 10844, weight: 1),
        Place(name: "Đồng Xoài", latitude: 1153, longitude: 10688, weight: 1),
        Place(name: "Tây Ninh", latitude: 1131, longitude: 10610, weight: 1),
        Place(name: "Thủ Dầu Một", latitude: 1098, longitude: 10665, weight: 1),
        Place(name: "Biên Hòa", latitude: 1095, longitude: 10682, weight: 1),
        Place(name: "Bà Rịa", latitude: 1050, longitude: 10717, weight: 1),
        Place(name: "Hồ Chí Minh", latitude: 1078, longitude: 10670, weight: 1),
        Place(name: "Tân An", latitude: 1053, longitude: 10641, weight: 1),
        Place(name: "Mỹ Tho", latitude: 1036, longitude: 10636, weight: 1),
        Place(name: "Bến Tre", latitude: 1024, longitude: 10638, weight: 1),
        Place(name: "Trà Vinh", latitude: 995, longitude: 10634, weight: 1),
        Place(name: "Vĩnh Long", latitude: 1025, longitude: 10597, weight: 1),
        Place(name: "Cao Lãnh", latitude: 1046, longitude: 10563, weight: 1),
        Place(name: "Long Xuyên", latitude: 1039, longitude: 10544, weight: 1),
        Place(name: "Rạch Giá", latitude: 1001, longitude: 10508, weight: 1),
        Place(name: "Cần Thơ", latitude: 1003, longitude: 10578, weight: 1),
        Place(name: "Vị Thanh", latitude: 978, longitude: 10547, weight: 1),
        Place(name: "Sóc Trăng", latitude: 960, longitude: 10597, weight: 1),
        Place(name: "Bạc Liêu", latitude: 929, longitude: 10572, weight: 1),
        Place(name: "Cà Mau", latitude: 918, longitude: 10515, weight: 1),
    ]
}
