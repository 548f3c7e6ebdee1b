// RUN: pqc opt %s -p group-pointwise --split-input-file --print-debuginfo | filecheck %s

// One function is a group of its own.
// CHECK-LABEL: func.func @alone
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.pointwise %x {
// CHECK-NEXT: ^bb0([[A:%[^:]+]]: tensor<?x2x4x4xf32>
// CHECK-NEXT: [[S:%[^ ]+]] = onnx.function [[A]] "sigmoid" [] {{.*}} loc("y")
// CHECK-NEXT: onnx.yield [[S]]
// CHECK-NEXT: } {{.*}} loc("y")
// CHECK-NEXT: func.return [[Y]]
func.func @alone(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %y = onnx.function %x "sigmoid" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Swish: both ways lead back to one tensor; constants of channels come along. All names stay.
// CHECK: #s = loc(fused["s", "m", "y"])
// CHECK-LABEL: func.func @swish
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.pointwise %x {
// CHECK: onnx.function {{.*}} "sigmoid"
// CHECK-NEXT: onnx.mul
// CHECK-NEXT: blob.constant
// CHECK-NEXT: onnx.mul
// CHECK-NEXT: onnx.yield
// CHECK-NEXT: } {{.*}} loc(#s)
// CHECK-NEXT: func.return [[Y]]
func.func @swish(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %c = blob.constant <"c", "1e506e4140fce008"> : tensor<2xf32>
  %s = onnx.function %x "sigmoid" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("s")
  %m = onnx.mul %x, %s : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("m")
  %y = onnx.mul %m, %c : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// HardSwish as exporters write it: a term and bounds inside, of which no layer gets anything.
// CHECK-LABEL: func.func @hard_swish
// CHECK: [[X:%[^ ]+]] = onnx.conv
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.pointwise [[X]] {
// CHECK: onnx.add
// CHECK-NEXT: onnx.clip
// CHECK-NEXT: onnx.mul
// CHECK-NEXT: onnx.yield
// CHECK: func.return [[Y]]
func.func @hard_swish(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %c = blob.constant <"c", "1e506e4140fce008"> : tensor<2xf32>
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %v = onnx.conv %x, %w, %c : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("v")
  %a = onnx.add %v, %c : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("a")
  %b = onnx.clip %a low 0.0 high 6.0 : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("b")
  %y = onnx.mul %v, %b : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Bounds in front are left to the layer that they follow; bounds behind are part of the table.
// CHECK-LABEL: func.func @front
// CHECK: [[V:%[^ ]+]] = onnx.conv
// CHECK-NEXT: [[R:%[^ ]+]] = onnx.relu [[V]]
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.pointwise [[R]] {
// CHECK: onnx.function {{.*}} "tanh"
// CHECK-NEXT: onnx.relu
// CHECK-NEXT: onnx.yield
// CHECK: func.return [[Y]]
func.func @front(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %c = blob.constant <"c", "1e506e4140fce008"> : tensor<2xf32>
  %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
  %v = onnx.conv %x, %w, %c : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("v")
  %r = onnx.relu %v : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("r")
  %t = onnx.function %r "tanh" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("t")
  %y = onnx.relu %t : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Where no layer stands in front, nothing is left to one.
// CHECK-LABEL: func.func @input
// CHECK-NEXT: [[Y:%[^ ]+]] = onnx.pointwise %x {
// CHECK: onnx.relu
// CHECK-NEXT: onnx.function {{.*}} "tanh"
// CHECK-NEXT: onnx.yield
func.func @input(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %r = onnx.relu %x : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("r")
  %y = onnx.function %r "tanh" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// What somebody else reads stays outside: it ends one group, and the next one begins with it.
// CHECK-LABEL: func.func @shared
// CHECK-NEXT: [[S:%[^ ]+]] = onnx.pointwise %x {
// CHECK: "sigmoid"
// CHECK: [[Y:%[^ ]+]] = onnx.pointwise [[S]] {
// CHECK: "tanh"
// CHECK: func.return [[S]], [[Y]]
func.func @shared(%x: tensor<?x2x4x4xf32>) -> (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) {
  %s = onnx.function %x "sigmoid" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("s")
  %y = onnx.function %s "tanh" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %s, %y : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>
}

// -----

// Two tensors: their product is no table, and neither is a gate of another shape.
// CHECK-LABEL: func.func @two
// CHECK-NEXT: [[S:%[^ ]+]] = onnx.pointwise %z {
// CHECK: [[M:%[^ ]+]] = onnx.mul %x, [[S]]
// CHECK-NEXT: [[P:%[^ ]+]] = onnx.global_average_pool [[M]]
// CHECK-NEXT: [[G:%[^ ]+]] = onnx.pointwise [[P]] {
// CHECK: [[Y:%[^ ]+]] = onnx.mul [[M]], [[G]]
// CHECK-NEXT: func.return [[Y]]
func.func @two(%x: tensor<?x2x4x4xf32>, %z: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %s = onnx.function %z "sigmoid" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("s")
  %m = onnx.mul %x, %s : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("m")
  %p = onnx.global_average_pool %m : (tensor<?x2x4x4xf32>) -> tensor<?x2x1x1xf32> loc("p")
  %g = onnx.function %p "sigmoid" [] : (tensor<?x2x1x1xf32>) -> tensor<?x2x1x1xf32> loc("g")
  %y = onnx.mul %m, %g : (tensor<?x2x4x4xf32>, tensor<?x2x1x1xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// Without anything that needs a table nothing changes.
// CHECK-LABEL: func.func @nothing
// CHECK-NOT: onnx.pointwise
// CHECK: func.return
func.func @nothing(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %c = blob.constant <"c", "1e506e4140fce008"> : tensor<2xf32>
  %r = onnx.relu %x : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("r")
  %a = onnx.add %r, %c : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("a")
  %b = onnx.mul %a, %c : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("b")
  %y = onnx.add %b, %r : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// A square, and a difference of two functions of one tensor.
// CHECK-LABEL: func.func @square
// CHECK-NEXT: onnx.pointwise %x {
// CHECK: onnx.mul [[A:%[^,]+]], [[A]]
// CHECK-NEXT: onnx.function
// CHECK-NEXT: onnx.sub
// CHECK-NEXT: onnx.yield
func.func @square(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %q = onnx.mul %x, %x : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("q")
  %e = onnx.function %x "exp" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("e")
  %y = onnx.sub %q, %e : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}

// -----

// One slope for each channel.
// CHECK-LABEL: func.func @prelu
// CHECK-NEXT: onnx.pointwise %x {
// CHECK: onnx.prelu
func.func @prelu(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
  %c = blob.constant <"c", "1e506e4140fce008"> : tensor<2xf32>
  %y = onnx.prelu %x, %c : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("y")
  func.return %y : tensor<?x2x4x4xf32>
}
