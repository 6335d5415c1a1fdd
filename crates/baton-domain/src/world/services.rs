//! Services that are groups of others (rule I02: a group counts as its parts).

use crate::values::ServiceCode;

/// The parts of a group, or nothing for a single service.
pub fn parts(service: &str) -> &'static [&'static str] {
    match service {
        "POD" => &["PHARM", "OPHTH", "DENT"],
        "DENT" => &["DENT-PRI", "DENT-SEC", "DENT-COM"],
        _ => &[],
    }
}

fn holds(group: &str, service: &str) -> bool {
    group == service || parts(group).iter().any(|part| holds(part, service))
}

/// Whether two services are the same, or one is a part of the other.
pub fn overlaps(one: &ServiceCode, other: &ServiceCode) -> bool {
    holds(one.as_str(), other.as_str()) || holds(other.as_str(), one.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_overlaps_its_parts_and_parts_do_not_overlap_each_other() {
        let code = |t: &str| t.parse::<ServiceCode>().expect("code");
        assert!(overlaps(&code("POD"), &code("DENT-SEC")));
        assert!(overlaps(&code("DENT-SEC"), &code("DENT")));
        assert!(!overlaps(&code("PHARM"), &code("DENT")));
        assert!(!overlaps(&code("PMED"), &code("PC-RENT")));
    }
}
