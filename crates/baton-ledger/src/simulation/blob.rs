//! A small file: what can be read, what is durable of it, and what a stop leaves, sector by sector.

use super::dice::Dice;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: u64 = 512;

#[derive(Default)]
pub(super) struct Contents {
    view: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync, in order.
    dirty: Vec<(u64, Vec<u8>)>,
}

impl Contents {
    pub(super) fn view(&self) -> &[u8] {
        &self.view
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        write(&mut self.view, bytes, offset);
        self.dirty.push((offset, bytes.to_owned()));
    }

    pub(super) fn sync(&mut self) {
        for (offset, bytes) in self.dirty.drain(..) {
            write(&mut self.durable, &bytes, offset);
        }
    }

    /// Everything that can be read is written to a new file, which is durable and takes its place.
    pub(super) fn write_anew(&mut self) {
        self.durable = self.view.clone();
        self.dirty.clear();
    }

    /// A sync that fails half-way: some sectors are durable, and the rest is read on and never will be.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        self.keep_some(dice);
    }

    /// The power goes: of what was not synced any sectors are there.
    pub(super) fn lose_power(&mut self, dice: &mut Dice) {
        self.keep_some(dice);
        self.view = self.durable.clone();
    }

    fn keep_some(&mut self, dice: &mut Dice) {
        // All, none, or each by itself: pure chance would hardly ever keep a long write whole.
        let per_mille = *dice.pick(&[0, 500, 1_000]);
        for (offset, bytes) in std::mem::take(&mut self.dirty) {
            let end = offset + bytes.len() as u64;
            let mut from = offset;
            while from < end {
                let to = ((from / SECTOR + 1) * SECTOR).min(end);
                if dice.chance(per_mille) {
                    write(&mut self.durable, &bytes[(from - offset) as usize..(to - offset) as usize], from);
                }
                from = to;
            }
        }
    }
}

fn write(file: &mut Vec<u8>, bytes: &[u8], offset: u64) {
    let (from, to) = (offset as usize, offset as usize + bytes.len());
    if file.len() < to {
        // Not `resize`, which is slow where nothing is optimised.
        file.extend(std::iter::repeat_n(0, to - file.len()));
    }
    file[from..to].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_loss_keeps_whole_sectors_of_what_was_not_synced() {
        let mut torn = false;
        for seed in 0..64 {
            let mut file = Contents::default();
            file.write(&[1; 1_024], 0);
            file.sync();
            file.write(&[2; 1_024], 0);
            file.lose_power(&mut Dice::new(seed));
            let sectors: Vec<&[u8]> = file.view().chunks(SECTOR as usize).collect();
            assert!(sectors.iter().all(|sector| sector.iter().all(|byte| byte == &sector[0])));
            torn |= sectors[0][0] != sectors[1][0];
        }
        assert!(torn);
    }

    #[test]
    fn what_was_synced_is_there_after_power_loss() {
        let mut file = Contents::default();
        file.write(&[1; 700], 100);
        file.sync();
        file.lose_power(&mut Dice::new(1));
        assert_eq!(file.view()[100..], [1; 700]);
    }
}
