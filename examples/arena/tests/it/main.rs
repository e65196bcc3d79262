//! The arena as its visitors meet it: the real program, over real sockets.

mod browser;
mod dashboard;
mod faces;
mod landing;
mod lasting;
mod live;
mod players;
mod races;
mod table;
