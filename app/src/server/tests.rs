//! Facts of the server, over real sockets.
