internal import ExposureKeys

struct VietnameseExposureWords: ExposureWords {
    let nothingFetched =
        "Chưa thể kết luận: máy này chưa lần nào tải đủ các khóa đã công bố. Hãy tải khóa về rồi so lại."
    let nothingSeen =
        """
        Chưa thể kết luận: trong 15 ngày qua máy này không ghi nhận được ai, nên không có gì để so. Nếu bạn đã ở gần người \
        khác, hãy kiểm tra xem máy có được phép dò hay không.
        """
    let noContact = "Không phát hiện tiếp xúc."
    var nobody: String {
        "\(noContact) Theo các khóa đã tải về, trong số những người mà máy này ghi nhận chưa có ai được báo nhiễm."
    }

    func stale(since: Moment, hours: Int) -> String {
        """
        Chưa thể kết luận về thời gian từ \(time(since)): đã hơn \(number(hours)) giờ máy này không tải được khóa. Hãy tải \
        khóa về rồi so lại.
        """
    }

    func unknown(since: Moment, hasFound: Bool) -> String {
        let findings =
            hasFound
            ? "Những gì nêu dưới đây là kết quả của lần đó." : "Máy không tìm thấy ai thì cũng không nói lên điều gì."
        return """
            Máy này không biết gì: lần cuối tải được khóa là \(time(since)), đã hơn 14 ngày, nên không còn khóa nào có giá \
            trị. \(findings) Hãy tải khóa về rồi so lại.
            """
    }

    func found(contacts: Int, others: Int) -> String {
        switch (contacts, others) {
        case (0, _):
            """
            Vào \(number(others)) ngày có người ở gần mà sau đó có báo cáo về họ, nhưng không tính là tiếp xúc; xem bên dưới.
            """
        case (_, 0): "Phát hiện tiếp xúc vào \(number(contacts)) ngày với người sau đó được báo nhiễm."
        default:
            """
            Phát hiện tiếp xúc vào \(number(contacts)) ngày với người sau đó được báo nhiễm. Vào \(number(others)) ngày khác có \
            người ở gần, nhưng không tính là tiếp xúc.
            """
        }
    }

    func clocks(_ difference: ClockDifference) -> String {
        switch difference {
        case .nodeBehind:
            """
            Lần tải khóa gần nhất, đồng hồ của máy này và của máy chủ lệch nhau hơn hai giờ: một trong hai đồng hồ sai, hoặc \
            máy chủ đã bị mất kết nối. Hãy kiểm tra ngày giờ của máy này; nếu đúng thì hãy tải từ máy chủ khác.
            """
        case .phoneSetBack:
            """
            Chưa thể kết luận: theo đồng hồ của máy này, bây giờ còn sớm hơn thời điểm mà khóa đã được tải đến. Một trong các \
            đồng hồ sai: hãy kiểm tra ngày giờ của máy này.
            """
        case .nodeAhead:
            """
            Lần tải khóa gần nhất, đồng hồ của máy chủ nhanh hơn đồng hồ của máy này hơn hai giờ: một trong hai đồng hồ sai. \
            Hãy kiểm tra ngày giờ của máy này; nếu đúng thì hãy tải từ máy chủ khác.
            """
        }
    }

    func doubt(_ trust: NodeTrust) -> String? {
        switch trust {
        case .confirmed, .unconfirmed: nil
        case .doubted:
            """
            Máy chủ của các đơn vị khác mâu thuẫn với máy chủ mà khóa được tải về lần gần nhất: có thể thiếu khóa. Hãy tải cả \
            từ máy chủ khác.
            """
        case .disproved:
            "Không thể tin máy chủ được hỏi lần gần nhất: máy chủ đó giữ lại một số khóa. Hãy tải từ máy chủ khác."
        }
    }

    func lapsed(_ day: CivilDate, _ reason: LapsedWarning.Reason) -> String {
        switch reason {
        case .withdrawn:
            """
            Cảnh báo cho ngày \(date(day)) không còn hiệu lực: báo cáo ca nhiễm đã được rút lại. Việc nên làm: không cần \
            làm gì vì cảnh báo này nữa; hỏi trạm y tế nơi bạn ở nếu có triệu chứng.
            """
        case .unchecked:
            """
            Đã có cảnh báo cho ngày \(date(day)). Hiện máy này không kiểm tra lại được, vì quá lâu chưa tải được khóa. Việc \
            nên làm: hãy theo lời khuyên đã kèm cảnh báo; tải khóa về rồi so lại.
            """
        case .unconfirmed:
            """
            Cảnh báo cho ngày \(date(day)) hiện chưa thể xác nhận: căn cứ của nó không có trong các khóa hoặc quy tắc mà máy \
            này đang có. Cảnh báo có thể trở lại. Việc nên làm: tải khóa về và so lại; trong lúc chờ, hãy theo lời khuyên \
            đã kèm cảnh báo.
            """
        }
    }

    func contact(_ day: CivilDate, minutes: Int64) -> String {
        "Ngày \(date(day)): có tiếp xúc, tổng cộng \(about(minutes))."
    }

    func brief(_ day: CivilDate, minutes: Int64) -> String {
        """
        Ngày \(date(day)): ở gần tổng cộng \(about(minutes)), tính theo các lần máy này dò. Theo quy tắc hiện hành, thời gian \
        quá ngắn, khoảng cách quá xa, hoặc hôm đó người kia hầu như không lây: không tính là tiếp xúc.
        """
    }

    func unmeasured(_ day: CivilDate) -> String {
        """
        Ngày \(date(day)): có người ở gần, nhưng các lần máy này dò không cho biết trong bao lâu: có thể chỉ thoáng qua, có \
        thể lâu hơn. Không tính là tiếp xúc.
        """
    }

    func nearness(_ nearness: AttenuationBucket, isPowerKnown: Bool, isOverTime: Bool) -> String {
        let place =
            switch nearness {
            case .immediate: "rất gần, cỡ khoảng cách khi nói chuyện"
            case .near: "gần, như ngồi quanh một bàn"
            case .medium: "cùng phòng hoặc ở gần"
            case .other: "hơi xa, hoặc cách một bức tường"
            }
        let time = isOverTime ? "phần lớn thời gian" : "lúc gần nhất"
        return isPowerKnown
            ? "Khoảng cách: \(time) \(place)."
            : """
            Khoảng cách: \(time) có lẽ \(place), chỉ xét theo cường độ tín hiệu; không biết máy kia phát mạnh \
            đến đâu.
            """
    }

    func certainty(_ type: ReportType) -> String {
        let report =
            switch type {
            case .confirmed: "ca nhiễm đã được xét nghiệm khẳng định"
            case .clinical: "bác sĩ chẩn đoán nhiễm, chưa có xét nghiệm khẳng định"
            case .selfReport: "người đó tự báo kết quả xét nghiệm tại nhà, chưa ai kiểm tra"
            case .recursive: "người đó từng tiếp xúc với người nhiễm, chưa rõ kết quả xét nghiệm của chính họ"
            case .unknown, .revoked: "không nêu rõ ca nhiễm được phát hiện bằng cách nào"
            }
        return """
            Mức chắc chắn: \(report). Khoảng cách đo bằng sóng vô tuyến chỉ là ước lượng: cơ thể, túi xách và tường làm thay \
            đổi tín hiệu.
            """
    }

    func infectiousness(_ infectiousness: Infectiousness) -> String {
        switch infectiousness {
        case .high: "Khả năng lây: hôm đó được tính là ngày dễ lây nhất."
        case .standard: "Khả năng lây: hôm đó được tính là ngày ít lây hơn."
        case .none: "Khả năng lây: hôm đó được tính là ngày không lây."
        }
    }

    func advice(isContact: Bool) -> String {
        isContact
            ? """
            Việc nên làm: hạn chế gặp người khác, nhất là người già và người bệnh; gọi trạm y tế nơi bạn ở để được hướng \
            dẫn xét nghiệm; theo dõi sốt, ho, khó thở đến hết 14 ngày sau ngày đó.
            """
            : "Việc nên làm: không cần làm gì đặc biệt; theo dõi sức khỏe và hỏi trạm y tế nơi bạn ở nếu có triệu chứng."
    }

    func lost(_ sightings: Int) -> String {
        """
        Máy này không đủ chỗ cho \(number(sightings)) lần ghi nhận: không thể tìm ra người chỉ xuất hiện trong \
        những lần đó.
        """
    }

    func basis(
        encounters: Int,
        keys: Int,
        asOf: Moment,
        fetched: Moment?,
        incompleteRegions: Int,
        isConfirmed: Bool
    ) -> String {
        var text = """
            Đã so \(number(encounters)) lần ghi nhận của máy này với \(number(keys)) khóa đã công bố, tính đến \(time(asOf)).
            """
        if let fetched {
            text += " Khóa được tải đến \(time(fetched))"
            if incompleteRegions > 0 { text += ", nhưng chưa đủ khóa của \(number(incompleteRegions)) vùng" }
            text +=
                isConfirmed
                ? "; máy chủ của đơn vị khác xác nhận điều đó." : "; chưa có máy chủ của đơn vị khác xác nhận."
        }
        return text + " Cách này không thể tìm ra người không dùng ứng dụng và ca nhiễm chưa công bố."
    }

    private func about(_ minutes: Int64) -> String {
        minutes == 0 ? "chưa đến 5 phút" : "khoảng \(number(Int(clamping: minutes))) phút"
    }

    private func number(_ count: Int) -> String { GroupedNumber.text(count, separator: ".") }

    private func time(_ moment: Moment) -> String { "\(moment.clock) ngày \(date(moment.day))" }

    private func date(_ day: CivilDate) -> String { "\(day.day)/\(day.month)/\(day.year)" }
}
