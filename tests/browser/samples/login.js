let options = {
	appId: '7a02a8217cd541f990152ea666ee24bf',
	token: '001Sx04XAA406DvYyD8J3oEh/eSZFnogbLaFnwlXozD6QfHgzwvglCNrVj3wjjxldlRYRG28cGFdK9xgku3fhdMKY2pB3j1It4Omq8Quxx4xFH/2h3MbrWmsVCjh/N1cfsx',
	userId: 'user1'
};

hstRtcEngine.login(options)
.then(() => {
	console.log("Login success.");
})
.catch(() => {
	console.log("Login failed!");
})
