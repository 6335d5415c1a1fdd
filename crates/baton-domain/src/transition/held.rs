//! A transition as the state holds it: open, or packed while nobody asks for it.
//!
//! A log holds far more transitions that came to rest than such as are worked on. Open, an event takes some
//! 800 bytes; packed, a tenth. Which of the two it is changes nothing that can be read: a packed transition
//! is opened when it is asked for, and is the same. [`State::rest`](crate::state::State::rest) packs.

use super::packed::Packed;
use super::{Registration, Transition};
use crate::event::Recorded;
use crate::values::{Revision, TransitionId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A transition, open or packed, with what is often asked of many: that is known without opening it.
pub struct Held {
    head: Head,
    /// Whether it was asked for since the last rest.
    asked: AtomicBool,
    form: Mutex<Form>,
}

/// What is known of a transition without opening it.
#[derive(Clone, Serialize, Deserialize)]
struct Head {
    id: TransitionId,
    revision: Revision,
    registration: Option<Arc<Registration>>,
}

/// One of the two, or both: what was opened may be let go of at no cost.
struct Form {
    open: Option<Arc<Transition>>,
    packed: Option<Packed>,
}

impl Held {
    /// An empty stream.
    pub(crate) fn new(id: TransitionId) -> Self {
        Self::of(Arc::new(Transition::new(id)))
    }

    fn of(transition: Arc<Transition>) -> Self {
        let (id, revision, registration) = (transition.id.clone(), transition.revision, transition.registration.clone());
        let form = Mutex::new(Form { open: Some(transition), packed: None });
        Self { head: Head { id, revision, registration }, asked: AtomicBool::new(true), form }
    }

    /// Its id.
    pub fn id(&self) -> &TransitionId {
        &self.head.id
    }

    /// Newest revision of its stream: how many events it has.
    pub fn revision(&self) -> Revision {
        self.head.revision
    }

    /// What the registration says; `None` only when the stream does not begin with one.
    pub fn registration(&self) -> Option<&Registration> {
        self.head.registration.as_deref()
    }

    /// The transition, which stays open for those who ask next.
    pub fn open(&self) -> Arc<Transition> {
        self.asked.store(true, Ordering::Relaxed);
        let transition = self.look();
        // Two who come at once both open it: it is the same.
        Arc::clone(self.form().open.get_or_insert(transition))
    }

    /// The transition, for somebody who looks at many: what is packed stays so.
    pub fn look(&self) -> Arc<Transition> {
        let packed = {
            let form = self.form();
            match (&form.open, &form.packed) {
                (Some(open), _) => return Arc::clone(open),
                (None, packed) => packed.clone(),
            }
        };
        Arc::new(packed.expect("a transition is open or packed").open())
    }

    /// Folds one event in. In place where nobody else holds it, or into a copy.
    pub(crate) fn evolve(this: &mut Arc<Self>, recorded: &Arc<Recorded>) -> Arc<Transition> {
        Self::change(this, |transition| transition.evolve(recorded))
    }

    /// Changes the transition. In place where nobody else holds it, or in a copy.
    pub(crate) fn change(this: &mut Arc<Self>, with: impl FnOnce(&mut Transition)) -> Arc<Transition> {
        let Some(held) = Arc::get_mut(this) else {
            let mut transition = this.look();
            with(Arc::make_mut(&mut transition));
            *this = Arc::new(Self::of(Arc::clone(&transition)));
            return transition;
        };
        let form = held.form.get_mut().unwrap_or_else(PoisonError::into_inner);
        let packed = form.packed.take();
        let open = || Arc::new(packed.expect("a transition is open or packed").open());
        // Out of the form, so that it is held once.
        let mut transition = form.open.take().unwrap_or_else(open);
        with(Arc::make_mut(&mut transition));
        held.head.follow(&transition);
        *held.asked.get_mut() = true;
        form.open.insert(transition).clone()
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.form().open.is_some()
    }

    /// Whether it was asked for since this was asked last.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// Packs it, if it is not, and lets go of it.
    pub(crate) fn pack(&self) {
        self.packed();
        self.form().open = None;
    }

    fn packed(&self) -> Packed {
        let open = {
            let form = self.form();
            match (&form.packed, &form.open) {
                (Some(packed), _) => return packed.clone(),
                (None, open) => open.clone(),
            }
        };
        let packed = Packed::of(&open.expect("a transition is open or packed"));
        self.form().packed.get_or_insert(packed).clone()
    }

    /// All of it in bytes that [`from_bytes`](Self::from_bytes) of this very program reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = serde_json::to_vec(&self.head).expect("a head has a JSON text");
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend(head);
        self.packed().write(&mut bytes);
        bytes
    }

    /// A packed transition from its bytes; `None` where these are no such bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (head, packed) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let form = Form { open: None, packed: Some(Packed::read(packed)?) };
        Some(Self { head: serde_json::from_slice(head).ok()?, asked: AtomicBool::new(false), form: Mutex::new(form) })
    }

    fn form(&self) -> MutexGuard<'_, Form> {
        // No change of it can be left half done.
        self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Open or packed, it reads the same.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look().fmt(f)
    }
}

impl Head {
    /// Takes in what may have changed.
    fn follow(&mut self, transition: &Transition) {
        self.revision = transition.revision;
        self.registration.clone_from(&transition.registration);
    }
}
