//! The meter: what runs cost, from published prices and measured usage.

pub mod bill;
pub mod prices;
pub mod usage;
