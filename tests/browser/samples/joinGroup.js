hstRtcEngine.joinGroup("test-group")
.then(() => {
	console.log("Join group success.");
})
.catch(() => {
	console.log("Join group failed!");
})
