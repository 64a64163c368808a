//! tests

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod seals;
