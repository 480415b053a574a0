//! `longshore schema`

use shared::spec::schema;

use crate::exit::SUCCEEDED;
use crate::screen::Screen;

/// Print the schema that an editor checks a task document by.
pub fn schema(screen: Screen) -> u8 {
    screen.line(&format!("{:#}", schema::document()));
    SUCCEEDED
}
