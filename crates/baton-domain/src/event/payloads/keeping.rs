//! The keeping of the log: words erased and held, extracts issued, the log forked, its key changed.

use crate::event::words::{ErasureGround, ExtractWithheld};
use crate::values::{HoldId, Position, Revision, StreamId, Text, TransitionId};
use serde::{Deserialize, Serialize};

payloads! {
    /// Words are to be erased, for ever (two persons). It is durable before any key is destroyed, and it
    /// names in plain what it erases, so that the leaf alone explains the hole.
    ErasureAuthorised {
        /// The events whose words are erased: 1 to 100 positions of the log.
        positions: Vec<Position>,
        /// On what ground.
        ground: ErasureGround,
        /// A reference or more about the ground, in words.
        note: Option<Text>,
        /// What that erases, in the order of positions; filled by the engine and frozen.
        #[serde(default)]
        records: Vec<ErasedRecord>,
    }
    /// One event whose words are erased. All of them go together, because they lie under one key.
    ErasedRecord {
        /// Its index in the log.
        position: Position,
        /// Its stream.
        stream: StreamId,
        /// Its index in the stream.
        revision: Revision,
        /// Every text it held, as JSON pointers into its leaf.
        #[serde(default)]
        fields: Vec<String>,
    }
    /// Reasons for decisions of this stream may not be erased from now on.
    LegalHoldPlaced {
        /// The hold.
        hold: HoldId,
        /// Why.
        reason: Option<Text>,
    }
    /// A hold ends (two persons).
    LegalHoldLifted {
        /// The hold.
        hold: HoldId,
        /// Why.
        reason: Option<Text>,
    }
    /// A copy of the log, or of the part of it about one transition, is given to somebody.
    ExtractIssued {
        /// The transition; absent means the whole log.
        transition: Option<TransitionId>,
        /// The first position in it.
        first: Position,
        /// The last position in it.
        last: Position,
        /// The size of the log that the checkpoint in it covers.
        checkpoint_size: u64,
        /// Whether words were left out.
        withheld: ExtractWithheld,
        /// The positions whose words were left out, when some were: at most 100.
        #[serde(default)]
        withheld_positions: Vec<Position>,
        /// To whom.
        to: Option<Text>,
        /// What for.
        purpose: Option<Text>,
    }
    /// The log goes on under another origin from a restored older copy.
    LogForked {
        /// The origin it had.
        old_origin: String,
        /// The origin it has from here on.
        new_origin: String,
        /// The newest checkpoint known of the old origin, as a signed note; absent when none is known.
        last_known_checkpoint: Option<String>,
        /// How many events the restored copy held: the position of this event.
        restored_size: u64,
        /// How it came to that.
        note: Option<Text>,
    }
    /// Checkpoints are signed with another key from here on.
    KeyRotated {
        /// The public key line before.
        old_key: String,
        /// The public key line from here on.
        new_key: String,
    }
}
