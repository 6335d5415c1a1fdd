//! The route files that come with the program. The engine does not know them: they reach a log
//! only by being published into it like any other text.

/// File name and text of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("pod-2021.toml", include_str!("../../routes/pod-2021.toml")),
    ("ccg-2017.toml", include_str!("../../routes/ccg-2017.toml")),
    ("cocom-2014.toml", include_str!("../../routes/cocom-2014.toml")),
    ("single-process-2018.toml", include_str!("../../routes/single-process-2018.toml")),
];
