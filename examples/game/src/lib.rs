//! The tic-tac-toe as a library of routes, state and views.
