/// Vietnam's provinces and centrally run cities, as regions: `VN-` and the two digits that the General Statistics
/// Office gives to each. (Not those of ISO 3166-2, which differ.)
///
/// On 2025-07-01, by Resolution 202/2025/QH15 of the National Assembly, 63 became 34: 11 as they were, 23 out of two or
/// three. Decision 19/2025/QĐ-TTg of the Prime Minister gives the codes of the 34: each has that of one of those that
/// became it, not always of the one whose name it bears.
public struct VietnamProvince: Hashable, Sendable {
    public let region: Region
    public let vietnameseName: String
    public let englishName: String
    /// The region that the province is part of since 2025-07-01; its own code if it went on, perhaps under another name.
    public let successor: Region

    /// The 63 until 2025-06-30, ascending.
    public static let until2025: [VietnamProvince] = rows63.compactMap { VietnamProvince($0) }
    /// The 34 since 2025-07-01, ascending.
    public static let since2025: [VietnamProvince] = rows34.compactMap { VietnamProvince($0) }

    /// Reads `code  Vietnamese name  English name  successor's code`; without the last the province succeeds itself.
    private init?(_ row: String) {
        let parts = row.split(separator: "  ")
        guard (3...4).contains(parts.count), let region = Region("VN-\(parts[0])"),
            let successor = Region("VN-\(parts.count == 4 ? parts[3] : parts[0])")
        else { return nil }
        self.region = region
        vietnameseName = String(parts[1])
        englishName = String(parts[2])
        self.successor = successor
    }

    private static let rows63 = [
        "01  Hà Nội  Hanoi  01",
        "02  Hà Giang  Ha Giang  08",
        "04  Cao Bằng  Cao Bang  04",
        "06  Bắc Kạn  Bac Kan  19",
        "08  Tuyên Quang  Tuyen Quang  08",
        "10  Lào Cai  Lao Cai  15",
        "11  Điện Biên  Dien Bien  11",
        "12  Lai Châu  Lai Chau  12",
        "14  Sơn La  Son La  14",
        "15  Yên Bái  Yen Bai  15",
        "17  Hòa Bình  Hoa Binh  25",
        "19  Thái Nguyên  Thai Nguyen  19",
        "20  Lạng Sơn  Lang Son  20",
        "22  Quảng Ninh  Quang Ninh  22",
        "24  Bắc Giang  Bac Giang  24",
        "25  Phú Thọ  Phu Tho  25",
        "26  Vĩnh Phúc  Vinh Phuc  25",
        "27  Bắc Ninh  Bac Ninh  24",
        "30  Hải Dương  Hai Duong  31",
        "31  Hải Phòng  Hai Phong  31",
        "33  Hưng Yên  Hung Yen  33",
        "34  Thái Bình  Thai Binh  33",
        "35  Hà Nam  Ha Nam  37",
        "36  Nam Định  Nam Dinh  37",
        "37  Ninh Bình  Ninh Binh  37",
        "38  Thanh Hóa  Thanh Hoa  38",
        "40  Nghệ An  Nghe An  40",
        "42  Hà Tĩnh  Ha Tinh  42",
        "44  Quảng Bình  Quang Binh  44",
        "45  Quảng Trị  Quang Tri  44",
        "46  Thừa Thiên Huế  Thua Thien Hue  46",
        "48  Đà Nẵng  Da Nang  48",
        "49  Quảng Nam  Quang Nam  48",
        "51  Quảng Ngãi  Quang Ngai  51",
        "52  Bình Định  Binh Dinh  52",
        "54  Phú Yên  Phu Yen  66",
        "56  Khánh Hòa  Khanh Hoa  56",
        "58  Ninh Thuận  Ninh Thuan  56",
        "60  Bình Thuận  Binh Thuan  68",
        "62  Kon Tum  Kon Tum  51",
        "64  Gia Lai  Gia Lai  52",
        "66  Đắk Lắk  Dak Lak  66",
        "67  Đắk Nông  Dak Nong  68",
        "68  Lâm Đồng  Lam Dong  68",
        "70  Bình Phước  Binh Phuoc  75",
        "72  Tây Ninh  Tay Ninh  80",
        "74  Bình Dương  Binh Duong  79",
        "75  Đồng Nai  Dong Nai  75",
        "77  Bà Rịa - Vũng Tàu  Ba Ria - Vung Tau  79",
        "79  Hồ Chí Minh  Ho Chi Minh City  79",
        "80  Long An  Long An  80",
        "82  Tiền Giang  Tien Giang  82",
        "83  Bến Tre  Ben Tre  86",
        "84  Trà Vinh  Tra Vinh  86",
        "86  Vĩnh Long  Vinh Long  86",
        "87  Đồng Tháp  Dong Thap  82",
        "89  An Giang  An Giang  91",
        "91  Kiên Giang  Kien Giang  91",
        "92  Cần Thơ  Can Tho  92",
        "93  Hậu Giang  Hau Giang  92",
        "94  Sóc Trăng  Soc Trang  92",
        "95  Bạc Liêu  Bac Lieu  96",
        "96  Cà Mau  Ca Mau  96",
    ]

    private static let rows34 = [
        "01  Hà Nội  Hanoi",
        "04  Cao Bằng  Cao Bang",
        "08  Tuyên Quang  Tuyen Quang",
        "11  Điện Biên  Dien Bien",
        "12  Lai Châu  Lai Chau",
        "14  Sơn La  Son La",
        "15  Lào Cai  Lao Cai",
        "19  Thái Nguyên  Thai Nguyen",
        "20  Lạng Sơn  Lang Son",
        "22  Quảng Ninh  Quang Ninh",
        "24  Bắc Ninh  Bac Ninh",
        "25  Phú Thọ  Phu Tho",
        "31  Hải Phòng  Hai Phong",
        "33  Hưng Yên  Hung Yen",
        "37  Ninh Bình  Ninh Binh",
        "38  Thanh Hóa  Thanh Hoa",
        "40  Nghệ An  Nghe An",
        "42  Hà Tĩnh  Ha Tinh",
        "44  Quảng Trị  Quang Tri",
        "46  Huế  Hue",
        "48  Đà Nẵng  Da Nang",
        "51  Quảng Ngãi  Quang Ngai",
        "52  Gia Lai  Gia Lai",
        "56  Khánh Hòa  Khanh Hoa",
        "66  Đắk Lắk  Dak Lak",
        "68  Lâm Đồng  Lam Dong",
        "75  Đồng Nai  Dong Nai",
        "79  Hồ Chí Minh  Ho Chi Minh City",
        "80  Tây Ninh  Tay Ninh",
        "82  Đồng Tháp  Dong Thap",
        "86  Vĩnh Long  Vinh Long",
        "91  An Giang  An Giang",
        "92  Cần Thơ  Can Tho",
        "96  Cà Mau  Ca Mau",
    ]
}
