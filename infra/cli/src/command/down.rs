//! `longshore down`

use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::progress::Progress;
use crate::screen::Screen;
use crate::stack;

/// Stop the stack; fine when there is none.
///
/// # Errors
/// When it does not end.
pub async fn down(screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let mut progress = Progress::new(screen, true);
    stack::stop(&environment.state, &mut progress).await.map(|_| SUCCEEDED)
}
