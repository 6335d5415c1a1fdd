//! What the state holds of a stream: open, or packed while nobody asks for it.
//!
//! A log holds far more transitions and meetings that came to rest than such as are worked on. Open, an event takes
//! some 800 bytes; packed, a tenth. Which of the two it is changes nothing that can be read: what is packed is opened
//! when it is asked for, and is the same. [`State::rest`](crate::state::State::rest) packs.
//!
//! A stream that grows long is not packed anew for each event: what was packed stays as it is, and the events after it
//! wait beside it until they are packed themselves. Whoever opens it folds them in.

use super::packed::{Packed, number};
use crate::event::{Recorded, plain};
use imbl::Vector;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Fewer events than this are packed anew together with those after them, so that no part is small.
const PART: u64 = 256;

/// What can be held packed. It is what its events add up to.
pub trait Rests: Clone + fmt::Debug + Serialize + DeserializeOwned {
    /// What is known of it without opening it.
    type Head: Clone + Serialize + DeserializeOwned;

    /// See [`Rests::Head`].
    fn head(&self) -> Self::Head;

    /// How many events it holds.
    fn events(&self) -> u64;

    /// Folds one event in.
    fn fold(&mut self, recorded: &Arc<Recorded>);

    /// Whether this event adds one to [`events`](Rests::events) and leaves the head as it is: then it may wait beside
    /// what is packed, until somebody asks.
    fn may_wait(recorded: &Recorded) -> bool;
}

/// Something that rests, with what is often asked of many: that is known without opening it.
pub struct Held<T: Rests> {
    known: Known<T::Head>,
    /// Whether it was asked for since the last rest.
    asked: AtomicBool,
    form: Mutex<Form<T>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Known<H> {
    events: u64,
    head: H,
}

/// Open, or packed, or both: what was opened may be let go of at no cost.
#[derive(Clone)]
struct Form<T> {
    open: Option<Arc<T>>,
    /// The first part is a whole, the others are the events after it. Without any, it is open.
    parts: Arc<[Packed]>,
    /// The events after the last part.
    waiting: Vector<Arc<Recorded>>,
}

/// Events in a part.
#[derive(Serialize, Deserialize)]
struct Events(#[serde(with = "plain::list")] Vector<Arc<Recorded>>);

impl<T: Rests> Held<T> {
    pub(crate) fn of(whole: T) -> Self {
        let known = Known { events: whole.events(), head: whole.head() };
        let form = Form { open: Some(Arc::new(whole)), parts: Arc::default(), waiting: Vector::new() };
        Self { known, asked: AtomicBool::new(true), form: Mutex::new(form) }
    }

    /// How many events it holds.
    pub fn events(&self) -> u64 {
        self.known.events
    }

    /// What is known of it without opening it.
    pub fn head(&self) -> &T::Head {
        &self.known.head
    }

    /// All of it, which stays open for those who ask next.
    pub fn open(&self) -> Arc<T> {
        self.asked.store(true, Ordering::Relaxed);
        let whole = self.look();
        // Two who come at once both open it: it is the same.
        Arc::clone(self.form().open.get_or_insert(whole))
    }

    /// All of it, for somebody who looks at many: what is packed stays so.
    pub fn look(&self) -> Arc<T> {
        let form = {
            let form = self.form();
            match &form.open {
                Some(open) => return Arc::clone(open),
                None => form.clone(),
            }
        };
        // Not under the lock: it takes a while.
        form.whole()
    }

    /// Folds one event in. In place where nobody else holds it, or into a copy.
    pub(crate) fn fold(this: &mut Arc<Self>, recorded: &Arc<Recorded>) {
        if !T::may_wait(recorded) {
            return Self::change(this, |whole| whole.fold(recorded));
        }
        let held = Arc::make_mut(this);
        let form = held.form.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &mut form.open {
            Arc::make_mut(open).fold(recorded);
        }
        if !form.parts.is_empty() {
            form.waiting.push_back(Arc::clone(recorded));
        }
        held.known.events += 1;
        *held.asked.get_mut() = true;
    }

    /// Changes it. In place where nobody else holds it, or in a copy.
    pub(crate) fn change(this: &mut Arc<Self>, with: impl FnOnce(&mut T)) {
        let held = Arc::make_mut(this);
        let form = held.form.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Out of the form, so that it is held once.
        let mut whole = form.open.take().unwrap_or_else(|| form.whole());
        with(Arc::make_mut(&mut whole));
        held.known = Known { events: whole.events(), head: whole.head() };
        *form = Form { open: Some(whole), parts: Arc::default(), waiting: Vector::new() };
        *held.asked.get_mut() = true;
    }

    /// Whether all of it is open.
    pub fn is_open(&self) -> bool {
        self.form().open.is_some()
    }

    /// How many of its events are not packed, or are open besides.
    pub(crate) fn unpacked(&self) -> u64 {
        let form = self.form();
        if form.open.is_some() { self.known.events } else { form.waiting.len() as u64 }
    }

    /// Whether it was asked for since this was asked last.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// Packs what is not packed, and lets go of what is open. Says how many events were packed.
    pub(crate) fn pack(&self) -> u64 {
        let form = self.form().clone();
        let (parts, packed) = form.packed();
        // Another one that packs at the same time does the same.
        *self.form() = Form { open: None, parts, waiting: Vector::new() };
        packed
    }

    /// All of it in bytes that [`from_bytes`](Self::from_bytes) of this very program reads.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let known = serde_json::to_vec(&self.known).expect("a head has a JSON text");
        let mut bytes = (known.len() as u64).to_le_bytes().to_vec();
        bytes.extend(known);
        let form = self.form().clone();
        form.packed().0.iter().for_each(|part| part.write(&mut bytes));
        bytes
    }

    /// Packed, from its bytes; `None` where these are no such bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, bytes) = number(bytes)?;
        let (known, mut bytes) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
        let known = serde_json::from_slice(known).ok()?;
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let (part, rest) = Packed::read(bytes)?;
            parts.push(part);
            bytes = rest;
        }
        let form = Form { open: None, parts: parts.into(), waiting: Vector::new() };
        (!form.parts.is_empty()).then(|| Self { known, asked: AtomicBool::new(false), form: Mutex::new(form) })
    }

    fn form(&self) -> MutexGuard<'_, Form<T>> {
        // No change of it can be left half done.
        self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Rests> Form<T> {
    fn whole(&self) -> Arc<T> {
        if let Some(open) = &self.open {
            return Arc::clone(open);
        }
        let (first, later) = self.parts.split_first().expect("what is not open is packed");
        let mut whole: T = first.open();
        let later = later.iter().flat_map(|part| part.open::<Events>().0);
        later.chain(self.waiting.iter().cloned()).for_each(|recorded| whole.fold(&recorded));
        Arc::new(whole)
    }

    /// All of it in parts, and how many events had to be packed for that.
    fn packed(&self) -> (Arc<[Packed]>, u64) {
        let waiting = self.waiting.len() as u64;
        match self.parts.split_last() {
            Some(_) if waiting == 0 => (Arc::clone(&self.parts), 0),
            Some((last, _)) if last.events >= PART => (followed(&self.parts, self.waiting.clone()), waiting),
            Some((last, before @ [_, ..])) => {
                let Events(mut events) = last.open();
                events.append(self.waiting.clone());
                (followed(before, events), last.events + waiting)
            }
            _ => {
                let whole = self.whole();
                (Arc::new([Packed::of(&*whole, whole.events())]), whole.events())
            }
        }
    }
}

/// Parts with one more behind them.
fn followed(parts: &[Packed], by: Vector<Arc<Recorded>>) -> Arc<[Packed]> {
    let count = by.len() as u64;
    parts.iter().cloned().chain([Packed::of(&Events(by), count)]).collect()
}

impl<T: Rests> Clone for Held<T> {
    fn clone(&self) -> Self {
        let asked = AtomicBool::new(self.asked.load(Ordering::Relaxed));
        Self { known: self.known.clone(), asked, form: Mutex::new(self.form().clone()) }
    }
}

/// Open or packed, it reads the same.
impl<T: Rests> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look().fmt(f)
    }
}
