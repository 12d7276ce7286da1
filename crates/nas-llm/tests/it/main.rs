//! The client against a scripted server on this machine.

mod budgets;
mod dialects;
mod failures;
mod replay;
mod secrets;
mod server;
mod side_by_side;
