/// What a node says to another, behind a byte that says where: first on a link, later on it, or over a pipe.
pub fn said(data: &[u8]) {
    let Some((place, said)) = data.split_first() else {
        return;
    };
    match place % 3 {
        0 => hst_link::fuzzed::hello(said),
        1 => hst_cascade::fuzzed::frame(said),
        _ => hst_cluster::pipe::fuzzed::frame(said),
    }
}
