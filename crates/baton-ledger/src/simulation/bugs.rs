//! Bugs to plant, each of which a simulation must find.

/// A mistake that the log, or the disk below it, could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A sync says that all is durable and does nothing.
    AcknowledgedBeforeSync,
    /// Records are published, then synced.
    PublishedBeforeSync,
    /// A sync that failed says that all is durable.
    SyncErrorIgnored,
    /// Opening syncs nothing: what it found may be in the page cache alone.
    OpenedWithoutSync,
    /// A batch without its end stays in the store.
    TornBatchKept,
    /// Request ids of before the last open are forgotten.
    RequestIdForgotten,
    /// Readers are given what is not synced yet.
    ReaderShownUnsynced,
    /// Leaves are given out unchecked, so that damage is served.
    DamageServed,
    /// The head file is not held against the store, so that a lost end is not noticed.
    HeadFileIgnored,
    /// Key slots that are there already are not filled anew, so that a key which a lost batch used is used again.
    KeySlotReused,
    /// After a failed sync the process starts again on the same files, as if they were what is durable.
    ReopenedAfterFailedSync,
    /// Expected revisions are not looked at. Planted by the caller: the ledger is not asked for them.
    RevisionCheckLeftOut,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 12] = [
        Bug::AcknowledgedBeforeSync,
        Bug::PublishedBeforeSync,
        Bug::SyncErrorIgnored,
        Bug::OpenedWithoutSync,
        Bug::TornBatchKept,
        Bug::RequestIdForgotten,
        Bug::ReaderShownUnsynced,
        Bug::DamageServed,
        Bug::HeadFileIgnored,
        Bug::KeySlotReused,
        Bug::ReopenedAfterFailedSync,
        Bug::RevisionCheckLeftOut,
    ];
}
