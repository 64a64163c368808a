//! tests

#[cfg(test)]
mod schemas;
