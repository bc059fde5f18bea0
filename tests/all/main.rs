//! Does Signalbox keep its word, seen from outside? Each module mirrors a part of the URLs.
