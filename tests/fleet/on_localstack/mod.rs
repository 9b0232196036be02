//! What needs the whole chain of AWS services.

mod chain;
mod chaos;
mod operation;
mod producers;
mod scanner;
