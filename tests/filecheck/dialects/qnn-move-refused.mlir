// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: !pq.tensor<?x2x8x4xui8, 0.5> cannot be reshaped to !pq.tensor<?x63xui8, 0.5>: they have different numbers of elements
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.reshape %x : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x63xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x64xui8, 0.25>, the operand !pq.tensor<?x2x8x4xui8, 0.5>: moving data keeps the grid
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.reshape %x : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x64xui8, 0.25>
  func.return
}

// -----
// CHECK: cannot be reshaped to !pq.tensor<?x1xui8, 0.5>
func.func @f(%x: !pq.tensor<?x4294967296x4294967296x1xui8, 0.5>) {
  %0 = qnn.reshape %x : !pq.tensor<?x4294967296x4294967296x1xui8, 0.5> -> !pq.tensor<?x1xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: permutation [0, 1, 2] must be one of 4 dimensions and start with 0
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [0, 1, 2] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: permutation [1, 0, 2, 3] must be one of 4 dimensions and start with 0
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [1, 0, 2, 3] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: permutation [0, 1, 1, 3] must be one of 4 dimensions and start with 0
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [0, 1, 1, 3] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: permutation [0, 1, 2, -1] must be one of 4 dimensions and start with 0
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [0, 1, 2, -1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: permutation [] must be one of 4 dimensions and start with 0
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x2x8x4xui8, 0.5>, the permutation gives ?x4x8x2
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [0, 3, 2, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x4x8x2xsi8, 0.5>, the operand !pq.tensor<?x2x8x4xui8, 0.5>: moving data keeps the grid
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [0, 3, 2, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x4x8x2xsi8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: there must be one start and one step a dimension
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [0, 0] steps [1, 1, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: there must be one start and one step a dimension
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [0, 0, 0] steps [1, 1, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: dimension 1: 1 elements from -1 in steps of 1 are not inside 2
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [-1, 0, 0] steps [1, 1, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: dimension 2: 3 elements from 0 in steps of 0 are not inside 8
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [0, 0, 0] steps [1, 0, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: dimension 3: 2 elements from 2 in steps of 2 are not inside 4
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [0, 0, 2] steps [1, 1, 2] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: {{.*}}moving data keeps the grid
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [0, 0, 0] steps [1, 1, 1] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x1x3x2xui9, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: there must be one padding before and one after a dimension
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.pad %x before [0, 1] after [0, 0, 0] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: there must be one padding before and one after a dimension
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.pad %x before [] after [] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: padding [0, -1, 0] and [0, 1, 0] must not be negative
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.pad %x before [0, -1, 0] after [0, 1, 0] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x2x8x4xui8, 0.5>, the padding gives 3x8x4
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.pad %x before [1, 0, 0] after [0, 0, 0] : !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: axis = 0, allowed are 1 to 3
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.concat %x, %y axis 0 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x4x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: axis = 4, allowed are 1 to 3
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.concat %x, %y axis 4 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x4x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: axis = -1, allowed are 1 to 3
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.concat %x, %y axis -1 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x4x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: !pq.tensor<?x2xui8, 0.5> and !pq.tensor<?x4x8x4xui8, 0.5> may differ in dimension 1 alone
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2xui8, 0.5>) {
  %0 = qnn.concat %x, %y axis 1 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2xui8, 0.5> -> !pq.tensor<?x4x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: !pq.tensor<?x2x8x5xui8, 0.5> and !pq.tensor<?x4x8x4xui8, 0.5> may differ in dimension 1 alone
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2x8x5xui8, 0.5>) {
  %0 = qnn.concat %x, %y axis 1 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2x8x5xui8, 0.5> -> !pq.tensor<?x4x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x5x8x4xui8, 0.5>, the operands make 4 along axis 1
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2x8x4xui8, 0.5>) {
  %0 = qnn.concat %x, %y axis 1 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.5> -> !pq.tensor<?x5x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: {{.*}}moving data keeps the grid
func.func @f(%x: !pq.tensor<?x2x8x4xui8, 0.5>, %y: !pq.tensor<?x2x8x4xui8, 0.75>) {
  %0 = qnn.concat %x, %y axis 1 : !pq.tensor<?x2x8x4xui8, 0.5>, !pq.tensor<?x2x8x4xui8, 0.75> -> !pq.tensor<?x4x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: there is nothing to concatenate
func.func @f() {
  %0 = "qnn.concat"() <{axis = 1 : i64}> : () -> !pq.tensor<?x2x8x4xui8, 0.5>
  func.return
}

// CHECK-NOT: {{^}}builtin.module

// -----
// CHECK: Operation does not verify: !pq.tensor<?x8x4xui8, 0.5> must have 2 or 4 dimensions; only a reshape takes others
func.func @f(%x: !pq.tensor<?x8x4xui8, 0.5>) {
  %0 = qnn.transpose %x permutation [0, 2, 1] : !pq.tensor<?x8x4xui8, 0.5> -> !pq.tensor<?x4x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: !pq.tensor<?x8x4xui8, 0.5> must have 2 or 4 dimensions; only a reshape takes others
func.func @f(%x: !pq.tensor<?x8x4xui8, 0.5>) {
  %0 = qnn.slice %x starts [0, 0] steps [1, 1] : !pq.tensor<?x8x4xui8, 0.5> -> !pq.tensor<?x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: !pq.tensor<?x8x4xui8, 0.5> must have 2 or 4 dimensions; only a reshape takes others
func.func @f(%x: !pq.tensor<?x8x4xui8, 0.5>) {
  %0 = qnn.pad %x before [0, 0] after [0, 0] : !pq.tensor<?x8x4xui8, 0.5> -> !pq.tensor<?x8x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: !pq.tensor<?x8x4xui8, 0.5> must have 2 or 4 dimensions; only a reshape takes others
func.func @f(%x: !pq.tensor<?x8x4xui8, 0.5>) {
  %0 = qnn.concat %x axis 1 : !pq.tensor<?x8x4xui8, 0.5> -> !pq.tensor<?x8x4xui8, 0.5>
  func.return
}
