hstRtcEngine.leaveGroup()
.then(() => {
	console.log("Leave group success.");
})
.catch(() => {
	console.log("Leave group failed!");
})
