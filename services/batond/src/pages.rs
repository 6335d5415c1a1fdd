//! Pages: a token binds the query, the sort key reached, and the state in which the first page was read.
//!
//! States are persistent, so keeping the ones under way costs little; the oldest is let go when
//! [`KEPT`] others came after it, and its token is then refused.

use crate::status::{self, Reason};
use baton_domain::state::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tonic::Status;

/// How many states are kept for pages under way.
const KEPT: usize = 64;

#[derive(Serialize, Deserialize)]
struct Token {
    /// Digest of the query.
    q: String,
    /// Size of the log in the state of the first page.
    s: u64,
    /// How many were given.
    n: usize,
}

/// The states of pages under way.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<VecDeque<Arc<State>>>);

/// Where a page starts, and in which state.
pub(crate) struct Start {
    pub(crate) state: Arc<State>,
    skip: usize,
    query: String,
}

/// A page with the token of the next, if there is one.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: String,
    pub(crate) total: usize,
}

impl Pages {
    /// The start of the page that `token` asks for, or the first page in `newest`.
    ///
    /// # Errors
    /// PAGE_TOKEN_EXPIRED for a token of another query, of a state that was let go, or that is none of ours.
    pub(crate) fn start(
        &self,
        query: &impl std::fmt::Debug,
        token: Option<&String>,
        newest: Arc<State>,
    ) -> Result<Start, Status> {
        let query = fingerprint(query);
        let Some(token) = token else { return Ok(Start { state: newest, skip: 0, query }) };
        let expired =
            |why: &str| status::with_reason(Reason::PageTokenExpired, &format!("{why}; start again without a page token"), &[]);
        let token: Token = serde_json::from_str(token).map_err(|_| expired("this is no page token of this server"))?;
        if token.q != query {
            return Err(expired("this page token belongs to another query"));
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = kept
            .iter()
            .find(|s| s.size == token.s)
            .cloned()
            .ok_or_else(|| expired("the state of the first page is no longer kept"))?;
        Ok(Start { state, skip: token.n, query })
    }

    /// One page of `all`, in the order given.
    pub(crate) fn page<T>(&self, start: &Start, all: Vec<T>, size: usize) -> Page<T> {
        let total = all.len();
        let items: Vec<T> = all.into_iter().skip(start.skip).take(size).collect();
        let given = start.skip + items.len();
        let next = if given < total {
            self.keep(&start.state);
            let token = Token { q: start.query.clone(), s: start.state.size, n: given };
            serde_json::to_string(&token).unwrap_or_default()
        } else {
            String::new()
        };
        Page { items, next, total }
    }

    fn keep(&self, state: &Arc<State>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.iter().any(|s| s.size == state.size) {
            kept.push_back(Arc::clone(state));
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
    }
}

fn fingerprint(query: &impl std::fmt::Debug) -> String {
    let digest = Sha256::digest(format!("{query:?}").as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(size: u64) -> Arc<State> {
        Arc::new(State { size, ..State::default() })
    }

    #[test]
    fn pages_follow_each_other_in_the_state_of_the_first() {
        let pages = Pages::default();
        let start = pages.start(&"q", None, state(3)).expect("first");
        let first = pages.page(&start, vec![1, 2, 3], 2);
        assert_eq!((first.items, first.total), (vec![1, 2], 3));
        let start = pages.start(&"q", Some(&first.next), state(9)).expect("second");
        assert_eq!(start.state.size, 3);
        let second = pages.page(&start, vec![1, 2, 3], 2);
        assert_eq!((second.items, second.next), (vec![3], String::new()));
    }

    #[test]
    fn token_of_another_query_or_of_a_state_let_go_is_refused() {
        let pages = Pages::default();
        let start = pages.start(&"q", None, state(0)).expect("first");
        let token = pages.page(&start, vec![1, 2], 1).next;
        assert!(pages.start(&"other", Some(&token), state(0)).is_err());
        assert!(pages.start(&"q", Some(&"rubbish".to_owned()), state(0)).is_err());
        for size in 1..=KEPT as u64 {
            let start = pages.start(&"q", None, state(size)).expect("first");
            pages.page(&start, vec![1, 2], 1);
        }
        assert!(pages.start(&"q", Some(&token), state(99)).is_err());
    }
}
