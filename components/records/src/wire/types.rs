//! Which JSON stands for types of records?
